"""The recipe's options: one for each field with a help text, with the field's default and range."""

from __future__ import annotations

import argparse

import pytest

from mask_detector.training import recipe
from mask_detector.training.recipe import Recipe


def parse(*arguments: str) -> Recipe:
    parser = argparse.ArgumentParser()
    recipe.add_options(parser.add_argument)
    return recipe.from_arguments(parser.parse_args(arguments))


def test_no_options_give_the_default_recipe():
    assert parse() == Recipe()


def test_options_are_parsed_as_their_defaults_types():
    given = parse("--image-size", "64", "--alpha", "0.35", "--drawn-masks", "2", "--seed", "7")
    assert given == Recipe(image_size=64, alpha=0.35, drawn_masks=2.0, seed=7)
    assert isinstance(given.image_size, int)
    assert isinstance(given.drawn_masks, float)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--image-size", "31"),
        ("--image-size", "64.5"),
        ("--alpha", "0.36"),
        ("--learning-rate", "0"),
        ("--from-block", "17"),
        ("--drawn-masks", "-1"),
        ("--seed", str(2**31)),
    ],
    ids=" ".join,
)
def test_values_out_of_range_are_refused(capsys, arguments):
    with pytest.raises(SystemExit):
        parse(*arguments)
    assert arguments[0] in capsys.readouterr().err
