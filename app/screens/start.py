"""Start: what is at stake, the real thing at once, and where to go from here."""

import streamlit as st

from app import documents
from app.components import start

CITATION = """\
@inproceedings{zhu2022balanced,
  title = {Balanced Contrastive Learning for Long-Tailed Visual Recognition},
  author = {Zhu, Jianggang and Wang, Zheng and Chen, Jingjing and Chen, Yi-Ping Phoebe and Jiang, Yu-Gang},
  booktitle = {CVPR},
  year = {2022}
}"""

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
    if st.button("Train it now", type="primary", icon=":material/play_arrow:"):
        st.switch_page("screens/lab.py", query_params={"new": race})
    if st.button("Library", icon=":material/grid_view:"):
        st.switch_page("screens/library.py")
st.markdown(
    "**[Angles move much more than accuracy](report#does-geometry-predict-accuracy)**: a wider tail is not yet a "
    "better classifier. **Much of the difference is speed**: [four times as long](theory#4-what-training-does), half "
    "of SCL's lag is gone. And these are digits: in our [short runs of these losses on CIFAR-10-LT]"
    "(report#cifar-10-lt-on-one-cpu-core) the rarest classes are no closer together than the average pair."
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
