# The app in a container. Where this was written no container could be built: docs/how-to/deploy.md says what is tested.
#   docker build -t bcl-lab .
#   docker build -t bcl-lab:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .
FROM python:3.12-slim AS build
WORKDIR /src
RUN pip install --no-cache-dir "hatchling>=1.27"
COPY . .
RUN hatchling build -t wheel -d /dist

FROM python:3.12-slim
# The index of torch's wheels: of those for CPUs, which need no driver and a tenth of the room; else of a CUDA version.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir torch torchvision --index-url "$TORCH_INDEX"
RUN --mount=from=build,source=/dist,target=/dist \
    pip install --no-cache-dir "$(echo /dist/bcl_lab-*.whl)[app]"

# Nobody in here may change the program, and all that is kept lies in one volume.
RUN useradd --create-home --uid 1000 student && install -d -o student -g student /lab /lab/data /work
USER student
WORKDIR /work
VOLUME /lab
ENV BCL_LAB_HOME=/lab \
    BCL_LAB_DATA=/lab/data \
    PYTHONPATH=/work \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_HEADLESS=true
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/bcl/v1/health', timeout=8)"]
CMD ["bcl-lab", "app", "--port", "8501"]
