"""Terms that the stage marks are explained, each in a sentence."""

import re

from app.glossary import GLOSSARY
from harness.serving import ROOT

LENSES = ROOT / "app/components/stage/lenses"


def test_every_term_that_a_lens_marks_is_in_the_glossary():
    marked = set[str]()
    for file in LENSES.glob("*.js"):
        for text in re.findall(r'"([^"\n]*)"', file.read_text(encoding="utf-8")):
            marked.update(term or shown for shown, term in re.findall(r"\[([a-z ]+)(?:\|([a-z ]+))?\]", text))
    assert len(marked) > 5
    assert marked <= GLOSSARY.keys()


def test_every_meaning_is_a_sentence():
    for term, meaning in GLOSSARY.items():
        assert meaning[0].isupper() and meaning.endswith("."), term
        assert "[" not in meaning
