"""Markdown from researchers and from models: formed, and harmless."""

import time

import pytest

from studies.templatetags.safe_markdown import markdown_alone, markdown_with_links

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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"It costs $O(n_1 \log n_2)$ and *x*.", r"It costs <code>$O(n_1 \log n_2)$</code> and <em>x</em>."),
        ("$$\\sum_{k=1}^{n} a_k\n\\le b_k$$", r"<code>$$\sum_{k=1}^{n} a_k \le b_k$$</code>"),
        (r"\(O(n^2)\), \[x_1 * y_1 * z\]", r"<code>\(O(n^2)\)</code>, <code>\[x_1 * y_1 * z\]</code>"),
        ("From $5 to $10, a_b_c.", "From $5 to $10, a_b_c."),
        ("a$b$c and $$ alone", "a$b$c and $$ alone"),
        ("$a<b$", "<code>$a&lt;b$</code>"),
    ],
)
def test_a_formula_stays_as_it_was_written_and_a_price_is_none(text, shown):
    assert markdown_alone(text).strip() == f"<p>{shown}</p>"


def test_formulas_that_never_end_are_no_burden():
    began = time.process_time()
    markdown_alone("\\( $x " * 5_000)

    assert time.process_time() - began < 5
