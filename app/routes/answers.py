"""What all routes answer alike: what may be kept for good, and what went wrong, in a sentence."""

from starlette.responses import JSONResponse

# Streamlit would compress each answer anew; "identity" tells its middleware that the choice is made.
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Encoding": "identity"}


def sentence(status: int, error: str) -> JSONResponse:
    """Say what was wrong, and what would be right; never kept."""
    return JSONResponse({"error": error}, status_code=status, headers={"Cache-Control": "no-store"})


def refused(error: str) -> JSONResponse:
    """Say that a question cannot be answered as it was asked."""
    return sentence(422, error)
