"""Class: what a presenter needs in front of one. The door is large enough for the last row."""

import streamlit as st

from app import documents
from app.components.desk import desk
from app.roles import has_class_roles, may, role_here

st.html('<h1 class="bcl-unseen">Class</h1>')
if not has_class_roles():
    st.info("There is no class here. `make classroom` opens one: it prints a link for the class, and one for you.")
elif not may(role_here(), "presenter"):
    st.info("This page is the presenter's. What the class sees is on the other ones.")
else:
    desk(key="desk")
    with st.expander("A class in your network: what it takes, and when phones do not get in", icon=":material/help:"):
        documents.show(documents.CLASSROOM)
