"""Terms that the stage marks are explained, each in a sentence."""

import re

from app.glossary import GLOSSARY
from bcl_core.metrics import METRICS
from harness.serving import ROOT

LENSES = ROOT / "app/components/stage/lenses"


def test_every_term_that_a_lens_marks_is_in_the_glossary():
    marked = set[str]()
    for file in LENSES.glob("*.js"):
        for text in re.findall(r'"([^"\n]*)"', file.read_text(encoding="utf-8")):
            marked.update(term or shown for shown, term in re.findall(r"\[([a-z ]+)(?:\|([a-z ]+))?\]", text))
    assert len(marked) > 5
    assert marked <= GLOSSARY.keys()


def test_whatever_is_predicted_is_said_for_which_batches():
    """On the stage, where other predictions are the classifier's, of single images; in the glossary, in titles."""
    of_images = re.compile(r"predicted (right|wrong|at epoch|\$\{names)|(no|nearest .*) prediction|predictions")
    said = {**GLOSSARY, **{name: metric.title for name, metric in METRICS.items()}}
    for file in (ROOT / "app/components").rglob("*.js"):
        code = re.sub(r"(^\s*|\s)(//|/?\*).*$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        texts = re.findall(r'"[^"\n]*"|`[^`\n]*`', code)
        said |= {f"{file.name}: {text}": text for text in texts if " " in text}
    in_words = {text: re.sub(r"\$\{[^}]*\}", "", text) for text in said.values()}
    found = [text for text, words in in_words.items() if "predict" in words and not of_images.search(text)]
    assert len(found) > 10
    for text in found:
        assert re.search(r"[bB]atch|\$\{optimum", text), text


def test_every_meaning_is_a_sentence():
    for term, meaning in GLOSSARY.items():
        assert meaning[0].isupper() and meaning.endswith("."), term
        assert "[" not in meaning
