# CPU:   docker build -t da3_stream .
# CUDA:  docker build -t da3_stream:cuda --build-arg TORCH_INDEX=https://pypi.org/simple .      (then: docker run --gpus all ...)
# For a cluster, and files elsewhere: --build-arg EXTRAS=ray,s3 (docs/scale.md)
# A run: docker run --rm -v "$PWD":/data da3_stream run drive.mp4 -o runs/drive
#
# Not built where this was made, as there was no docker: `make dockerfile` runs its steps in a folder of their own.
FROM python:3.11-slim

# torch of PyPI brings CUDA along, that of the CPU index is a tenth of its size
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# extras of pyproject.toml, with commas between them
ARG EXTRAS=

WORKDIR /opt/da3_stream
RUN python3 -m venv /opt/venv
COPY constraints.txt ./
RUN /opt/venv/bin/pip install --no-cache-dir -c constraints.txt --index-url "$TORCH_INDEX" --extra-index-url https://pypi.org/simple torch
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY weights weights
COPY da3_stream da3_stream
RUN /opt/venv/bin/pip install --no-cache-dir -c constraints.txt ".${EXTRAS:+[$EXTRAS]}"
RUN /opt/venv/bin/da3-stream --version

ENV PATH=/opt/venv/bin:$PATH OMP_NUM_THREADS=1 HF_HUB_CACHE=/data/.cache/huggingface
WORKDIR /data
ENTRYPOINT ["da3-stream"]
