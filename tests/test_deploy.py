"""The container's files name what is there. No container is built: that takes docker and a network."""

import re
from pathlib import Path

import pytest
from streamlit.config import get_config_options

from app.routes import routes
from bcl_core.installed import EXTRAS
from tests.test_guides import settings_told

ROOT = Path(__file__).parents[1]
DOCKERFILE, COMPOSE, CADDY = ((ROOT / name).read_text("utf-8") for name in ("Dockerfile", "compose.yaml", "Caddyfile"))


def test_the_image_has_the_apps_extra_a_user_a_volume_for_what_is_kept_and_its_command():
    assert re.search(r"bcl_lab-\*\.whl\)\[(\w+)\]", DOCKERFILE)[1] in EXTRAS
    assert re.search(r"^USER (\w+)", DOCKERFILE, re.MULTILINE)[1] != "root"
    [volume] = re.findall(r"^VOLUME (\S+)", DOCKERFILE, re.MULTILINE)
    variables = dict(re.findall(r"(BCL_LAB_\w+|STREAMLIT_\w+)=(\S+)", DOCKERFILE))
    assert variables["BCL_LAB_HOME"] == volume and variables["BCL_LAB_DATA"].startswith(f"{volume}/")
    assert 'CMD ["bcl-lab", "app", "--port", "8501"]' in DOCKERFILE and "EXPOSE 8501" in DOCKERFILE
    assert "app:8501" in CADDY


def test_its_health_is_what_the_route_says():
    [path] = re.findall(r"http://127\.0\.0\.1:8501(/\S+?)'", DOCKERFILE)
    [mount] = [route for route in routes() if hasattr(route, "routes") and path.startswith(f"{route.path}/")]
    assert path.removeprefix(mount.path) in {getattr(route, "path", None) for route in mount.routes}


@pytest.mark.parametrize("text", [DOCKERFILE, COMPOSE, CADDY], ids=["Dockerfile", "compose.yaml", "Caddyfile"])
def test_every_variable_in_it_is_one_that_is_read(text):
    options = {
        f"STREAMLIT_{re.sub(r'(?<!^)(?=[A-Z])', '_', key.replace('.', '_')).upper()}" for key in get_config_options()
    }
    named = set(re.findall(r"\b(?:BCL_LAB|STREAMLIT)_[A-Z]+(?:_[A-Z]+)*", text))
    assert named and not named - {name.replace("__", "_") for name in options} - set(settings_told())
