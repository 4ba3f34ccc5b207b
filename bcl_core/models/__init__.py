"""Backbones, and the two-branch network around them."""

from bcl_core.models.two_branch import Heads, TwoBranchModel, build_model, start_from
