"""Start: what is at stake, one real picture, one button."""

import streamlit as st

from app import panels
from app.components.live_plot import live_plot
from app.reading import bundled_race, comparable, groups

st.title("Rare classes get squeezed together. See which loss pulls them apart.")
st.markdown(
    "Supervised contrastive learning (SCL) pushes images of different classes apart, and frequent classes push most. "
    "Balanced contrastive learning (BCL) is meant to even that out; as published it does so in part. "
    "Train both on long-tailed data, live, and look inside."
)
with st.container(horizontal=True):
    if st.button("Train it yourself", type="primary", icon=":material/play_arrow:"):
        st.switch_page("screens/train.py")

finished = next((g for g in groups() if len(comparable(g.runs)) > 1 and not g.active), None)
if finished is not None:
    st.subheader(finished.name)
    runs = panels.shown(comparable(finished.runs))
    live_plot(panels.formation(runs, title=None), key="start/formation", height=460)
    st.caption(f"Your own runs. {panels.space_note(runs)}")
else:
    race = bundled_race()
    st.subheader(race.title)
    live_plot(panels.bundled_formation(race), key="start/formation", height=460)
    st.caption(race.caption)
