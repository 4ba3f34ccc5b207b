"""Start: what is at stake, the real thing at once, and where to go from here."""

import streamlit as st

from app import starting
from app.components.angle_columns import angle_columns

st.title("Rare classes get squeezed together. See which loss pulls them apart.")
st.markdown(
    "Each dot is a pair of digits and shows the angle between their mean features while a network trains. "
    "**Orange: pairs of the three rarest digits.** Only the loss differs."
)
told = starting.told()
if told is None:
    st.warning("The runs that come with the project are missing or damaged; the Gallery says which. Training works.")
else:
    angle_columns(told, key="start")
    st.markdown("**Angles move much more than accuracy**: a wider tail is not yet a better classifier.")
with st.container(horizontal=True):
    if st.button("Train it now", type="primary", icon=":material/play_arrow:"):
        st.switch_page("screens/train.py")
    if st.button("Inspect these runs", icon=":material/search:"):
        st.switch_page("screens/inspect.py", query_params={"runs": "digits-scl.digits-bcl.digits-bcl-class"})
    if st.button("Gallery", icon=":material/grid_view:"):
        st.switch_page("screens/gallery.py")
