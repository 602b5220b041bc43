"""Markdown from researchers and from models: formed, and harmless."""

import time
from html.parser import HTMLParser

import pytest

from studies.templatetags.safe_markdown import markdown_alone, markdown_with_links, with_formulas
from studies.typesetting import mathml

JOINER = "\N{WORD JOINER}"

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![pixel](https://evil.example/p.png)",
    "[click](javascript:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "<https://evil.example/auto>",
    "[ref]: https://evil.example/ 'x'\n\n[ref]",
    "<style>body{display:none}</style>",
    "<svg onload=alert(1)>",
    "<a href='https://evil.example' onclick='x()'>a</a>",
    "| a | b |\n|:--|--:|\n| <b onmouseover=x()>c</b> | d |",
]


class Elements(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_models_text_cannot_load_lead_away_or_run(text):
    html = markdown_alone(text)

    tags = {part.split(">")[0].split()[0].strip("/") for part in html.split("<")[1:]}
    assert tags <= {"p", "table", "thead", "tbody", "tr", "th", "td"}
    assert "style=" not in html
    assert "href=" not in html.replace("&lt;a href=", "")


def test_a_models_text_keeps_its_form():
    html = markdown_alone("# One\n\n###### Six\n\n3. third\n\n```py\nx < 1\n```\n\n~~old~~ **new**")

    assert html == (
        "<h3>One</h3>\n<h6>Six</h6>\n"
        '<ol start="3">\n<li>third</li>\n</ol>\n'
        "<pre><code>x &lt; 1\n</code></pre>\n"
        "<p><s>old</s> <strong>new</strong></p>\n"
    )


def test_a_researchers_links_open_elsewhere_and_tell_nothing():
    html = markdown_with_links(
        "[us](https://example.org/) [bad](javascript:alert(1)) ![x](https://y.example/z)"
    )

    assert html.count("<a ") == 1
    assert 'href="https://example.org/"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert 'target="_blank"' in html
    assert "y.example" not in html


def test_deep_nesting_is_rendered_in_bounded_depth():
    html = markdown_alone(">" * 5000 + " deep")

    assert html.count("<blockquote>") <= 100


X = '<math display="inline" alttext="x"><mrow><mi>x</mi></mrow></math>' + JOINER


@pytest.mark.parametrize(
    "text",
    ["$x$", r"\(x\)", r"\( x \)", "**$x$**", "> $x$", "# $x$", "($x$), and $5.", "$x$-axis", "the $x$th"],
)
def test_a_formula_in_a_line_is_set(text):
    assert X in markdown_alone(text)


@pytest.mark.parametrize(
    "text",
    [
        "$$x$$",
        "$$\nx\n$$",
        r"\[x\]",
        "so\n\\[\nx\n\\]\nand",
        "1. so\n   $$\n   x\n   $$",
        "> $$\n> x\n> $$",
        "\\begin{equation}\nx\n\\end{equation}",
    ],
)
def test_a_formula_on_lines_of_its_own_is_set(text):
    html = markdown_alone(text)

    assert html.count('<math display="block"') == 1
    assert html.count("<mi>x</mi>") == 1


def test_what_stands_beside_a_formula_on_its_line_is_kept():
    html = markdown_alone("\\[x\\] where x is **small**\n\n$$x$$ too")

    assert "where x is <strong>small</strong>" in html
    assert "too" in html


def test_a_line_of_a_formula_that_begins_with_a_plus_is_no_list():
    html = markdown_alone("So\n$$\nx\n+ y\n$$\nholds.")

    assert "<li>" not in html
    assert "<mo>+</mo>" in html
    assert html.endswith("<p>holds.</p>\n")


@pytest.mark.parametrize(
    "text",
    [
        "From $5 to $10, a_b_c.",
        "It costs $5 and $10.",
        "a$b$c and $$ alone",
        "$5 (or 5$)",
        "$20M-$30M",
        "Cheap ($$), dear ($$$), cheap ($$).",
        "echo $HOME/bin:$PATH",
        "Take $two and give 3$ back",
    ],
)
def test_money_and_variables_are_no_formulas(text):
    assert markdown_alone(text) == f"<p>{text}</p>\n"


def test_an_escaped_dollar_is_a_dollar():
    assert markdown_alone(r"\$5 and \$6, \\(x\\)") == "<p>$5 and $6, \\(x\\)</p>\n"


def test_code_has_no_formulas():
    html = markdown_alone("`$x$`\n\n```\n$$x$$ \\(y\\)\n```\n\n    \\[z\\]")

    assert "<math" not in html
    assert "<code>$$x$$ \\(y\\)\n</code>" in html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"as $\unknown{x}$ *says*", r"<p>as <code>$\unknown{x}$</code> <em>says</em></p>"),
        (r"\(\frac{1}\)", r"<p><code>\(\frac{1}\)</code></p>"),
        ("$$\n\\left( a\n+ _b_\n$$", "<pre><code>$$\n\\left( a\n+ _b_\n$$</code></pre>"),
    ],
)
def test_what_cannot_be_set_is_shown_as_it_was_written(text, shown):
    assert markdown_alone(text).strip() == shown


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\text{<img src=x onerror=alert(1)>}",
        r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(https://evil.example)}{x}",
        r"\class{page}{x}",
        r"\color{red}{x}",
        r"\unicode{x3C}script\unicode{x3E}",
        r"\text{&lt;b&gt;}</math><b onclick=alert(1)>",
        'x"onload="alert(1)',
    ],
)
@pytest.mark.parametrize("show", [markdown_alone, markdown_with_links, with_formulas])
def test_a_formula_is_as_harmless_as_a_text(tex, show):
    page = Elements()
    page.feed(show(f"${tex}$"))

    assert page.tags <= {"p", "code", *mathml.TAGS}
    assert page.attributes <= {"alttext", *mathml.ATTRIBUTES}
    assert page.tags


def test_a_prompt_keeps_its_lines_and_signs_and_has_its_formulas_set():
    html = with_formulas("Solve\n  *this*: \\(x\\) <b>\n$$y$$\n`$x$` for $5 and $6")

    y = '<math display="block" alttext="y"><mrow><mi>y</mi></mrow></math>'
    assert html == f"Solve\n  *this*: {X} &lt;b&gt;{y}`$x$` for $5 and $6"


@pytest.mark.parametrize("text", ["\\( $x ", "\\[ x\n", "\\[\n\n", "\\begin{align}\n", "$$\n", "`$"])
def test_formulas_that_never_end_are_no_burden(text):
    began = time.process_time()
    markdown_alone(text * 3_000)
    with_formulas(text * 3_000)

    assert time.process_time() - began < 5


def test_a_formula_is_set_once_however_often_it_is_read(monkeypatch):
    text = r"$\sum_{set=once}^{n} k$"
    first = markdown_alone(text)
    monkeypatch.setattr(mathml, "Converter", None)

    assert markdown_alone(text) == first
    assert "<munderover>" in first
