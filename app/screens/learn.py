"""Learn: two spheres to play with."""

import streamlit as st

from app.components import PREFIX
from app.components.sphere import INTRODUCTION, sphere

st.title("Two spheres, one start")
st.markdown(INTRODUCTION)
sphere(PREFIX, key="sphere")
