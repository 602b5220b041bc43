"""The statistics: numbers in, frozen results out. Pure numpy and scipy, without Django."""
