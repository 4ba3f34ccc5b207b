"""Start: what is at stake, the real thing at once, and where to go from here."""

import streamlit as st

from app import classroom, documents
from app.components import start
from app.deeds import attempt, train
from app.opened import show
from app.races import Draft
from app.roles import role_here, told_here
from app.runs import the_lab
from app.verbs import Refused, allowed
from app.words import verbatim
from bcl_core.data.cifar10 import at_hand as cifar10_at_hand
from bcl_core.data.places import data_home
from bcl_core.lab.equal import equal_race

PHOTOGRAPHS = "cifar10-live"
RECORDED = "lab?runs=" + ".".join(f"{PHOTOGRAPHS}-{loss}" for loss in ("scl", "bcl", "bcl-class"))  # of the shelf

CITATION = """\
@inproceedings{zhu2022balanced,
  title = {Balanced Contrastive Learning for Long-Tailed Visual Recognition},
  author = {Zhu, Jianggang and Wang, Zheng and Chen, Jingjing and Chen, Yi-Ping Phoebe and Jiang, Yu-Gang},
  booktitle = {CVPR},
  year = {2022}
}"""


def _train_on_photographs() -> None:
    """Train the race of photographs, or go to it where this lab has it; what it needs is said where it lacks."""
    draft = Draft.of(PHOTOGRAPHS)
    recipes, execution = draft.recipes(), draft.execution()
    there = [run for run in equal_race(the_lab(), recipes, execution.data) or [] if not run.shelved]
    try:
        show([run.id for run in there] or train(draft, recipes, execution))
    except Refused as error:
        st.error(f"Nothing was queued: {verbatim(told_here(str(error)))}")
        return
    st.switch_page("screens/lab.py")


def _photographs_said() -> str:
    """Say of what the race of photographs is, and where its images lie or would come from."""
    what = (
        "Photographs: three runs on 1,394 images of CIFAR-10, all from one encoder that has seen such images "
        f"([such a race, recorded]({RECORDED}))"
    )
    if (folder := cifar10_at_hand()) is not None:
        return f"{what}; read from {verbatim(str(folder))}."
    return (
        f"{what}. They are downloaded first, 170 MB, into {verbatim(str(data_home()))}; without a network, put "
        "`cifar-10-python.tar.gz` there, or set `BCL_LAB_PARQUET` to a folder that holds CIFAR-10 as Parquet files."
    )


st.title("What does each loss do to the rarest classes?")
st.markdown(
    "Three networks learn the same digits and only the loss differs. Each dot is a pair of digits, at the angle "
    "between their mean features. **Orange: pairs of 7, 8 and 9, the rarest of the long tail. Dashed: the regular "
    "simplex, all pairs equally far apart.**"
)
told, race = start.told(), "digits"
if told is None:
    st.warning("The runs that come with the project are missing or damaged; the Library says which. Training works.")
else:
    race = start.start(told, key="start")  # a race of the same name trains such runs
with st.container(horizontal=True):
    may_train = "train" in allowed(role_here())
    may_start = may_train or classroom.ROOM.races
    if may_start and st.button("Train it now", type="primary", icon=":material/play_arrow:"):
        if may_train:
            st.switch_page("screens/lab.py", query_params={"new": race})
        elif started := attempt("start-race", race=race):
            show(started["runs"])
            st.switch_page("screens/lab.py")
    on_photographs = may_train and st.button("Train on photographs", icon=":material/photo_library:")
    if st.button("Library", icon=":material/grid_view:"):
        st.switch_page("screens/library.py")
if on_photographs:
    _train_on_photographs()
if may_train:
    st.caption(told_here(_photographs_said()))
st.markdown(
    "**[Angles move much more than accuracy](report#does-geometry-predict-accuracy)**: a wider tail is not yet a "
    "better classifier. **Much of the difference is speed**: [four times as long](theory#4-what-training-does), "
    "SCL's tail comes to 79°, where 80° is predicted for its batches of 64, and half of its lag is gone: BCL's widens, "
    "too. And these are digits: in our [short runs of these losses on CIFAR-10-LT]"
    "(report#cifar-10-lt-on-one-cpu-core) the rarest classes are no closer together than the average pair."
)

st.page_link(
    "screens/learn.py",
    label="**How far apart can four classes stand at all?** Predict it, then watch it: the first of eight lessons",
    icon=":material/school:",
    query_params={"lesson": "A", "step": "1"},
)

st.divider()
what, how = st.columns([2, 1])
with what:
    st.subheader("What each part does")
    documents.picture("ablations.png", "Angles and accuracy by loss, temperature and imbalance")
    st.caption(
        "Above: the mean angle between 7, 8 and 9, the rarest digits unless the imbalance factor is 1. Below: their "
        "accuracy. A dot is a run, a bar the mean over five seeds, the dashed line the "
        "regular simplex, 96.4°."
    )
    st.page_link("screens/report.py", label="All tables, and what did not reproduce", icon=":material/fact_check:")
with how:
    st.subheader("What this is")
    st.markdown(
        "Supervised contrastive learning (SCL) pulls images of one class together and pushes classes apart, and "
        "frequent classes push most. Balanced contrastive learning (BCL, Zhu et al., CVPR 2022) evens the pushes out "
        "and puts every class into every batch by a learned prototype. Here you train both on long-tailed data, and "
        "look at embeddings, angles and gradients of every epoch."
    )
    st.subheader("How to cite")
    st.markdown("The method, and this app by its repository and version:")
    st.code(CITATION, language="bibtex", wrap_lines=True)
