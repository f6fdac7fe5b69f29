# make setup, run, test, quick, bench, configs, docs, dockerfile, assets
VENV := .venv
BIN := $(VENV)/bin
USED := $(VENV)/.installed
DEVELOPED := $(VENV)/.installed_dev
VIDEO ?=
ARGS ?=

# the processes that tests start would compile the package each for itself
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test quick bench configs docs dockerfile assets lint style types tests

# what running takes; setup adds what tests, benchmarks and the optional exports take
$(USED): pyproject.toml constraints.txt
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@echo "installing into $(VENV): this takes minutes, and pip says nothing meanwhile"
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $(USED)

$(DEVELOPED): $(USED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $(DEVELOPED)

setup: $(DEVELOPED)

# make run: the demo; make run VIDEO=my.mp4 [ARGS="--hfov-deg 70"]: a video of one's own
run: $(USED)
ifeq ($(VIDEO),)
	$(BIN)/da3-stream demo $(ARGS)
else
	$(BIN)/da3-stream run "$(VIDEO)" $(ARGS)
endif
	@command -v da3-stream >/dev/null || echo "da3-stream is in $(BIN); this finds it, once in a shell: . $(BIN)/activate"

lint: style types

style: setup
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

# types take one core for a minute and a half: beside the tests
test: style
	@$(MAKE) --no-print-directory --jobs=2 types tests

tests: setup
	$(BIN)/pytest -n 2 --dist worksteal -q

quick: setup
	$(BIN)/pytest -n 2 --dist worksteal -q -m "not slow"

# hours; disk and kill mount file systems of their own, as root
bench: setup
	$(BIN)/python -m benchmarks.accuracy --json benchmarks/results/accuracy.json --markdown benchmarks/results/accuracy.md
	$(BIN)/python -m benchmarks.town --sizes 320x240,640x480 --json benchmarks/results/town.json --markdown benchmarks/results/town.md
	$(BIN)/python -m benchmarks.depth_flow --json benchmarks/results/depth_flow.json --markdown benchmarks/results/depth_flow.md
	$(BIN)/python -m benchmarks.scaling.speed --json benchmarks/results/speed.json --markdown benchmarks/results/speed.md
	$(BIN)/python -m benchmarks.old_and_new --json benchmarks/results/old_and_new.json --markdown benchmarks/results/old_and_new.md
	$(BIN)/python -m benchmarks.determinism --json benchmarks/results/determinism.json --markdown benchmarks/results/determinism.md
	$(BIN)/python -m benchmarks.network --json benchmarks/results/network.json --markdown benchmarks/results/network.md
	$(BIN)/python -m benchmarks.predict --json benchmarks/results/predict.json --markdown benchmarks/results/predict.md
	$(BIN)/python -m benchmarks.gaussian_head --json benchmarks/results/gaussian_head.json --markdown benchmarks/results/gaussian_head.md
	$(BIN)/python -m benchmarks.splat_cost --json benchmarks/results/splat_cost.json --markdown benchmarks/results/splat_cost.md
	$(BIN)/python -m benchmarks.splat_growth --json benchmarks/results/splat_growth.json --markdown benchmarks/results/splat_growth.md
	$(BIN)/python -m benchmarks.rendering.speed --json benchmarks/results/rendering_speed.json --markdown benchmarks/results/rendering_speed.md
	$(BIN)/python -m benchmarks.rendering.held_out --size 320x240 --frames 24 --json benchmarks/results/held_out.json --markdown benchmarks/results/held_out.md
	$(BIN)/python -m benchmarks.onnx_files --json benchmarks/results/onnx_files.json --markdown benchmarks/results/onnx_files.md
	$(BIN)/python -m benchmarks.backend.graph --workers 2 --json benchmarks/results/backend.json --markdown benchmarks/results/backend.md
	$(BIN)/python -m benchmarks.backend.stitching --json benchmarks/results/backend_stitching.json --markdown benchmarks/results/backend_stitching.md
	$(BIN)/python -m benchmarks.backend.loops --json benchmarks/results/backend_loops.json --markdown benchmarks/results/backend_loops.md
	$(BIN)/python -m benchmarks.laps --json benchmarks/results/laps.json --markdown benchmarks/results/laps.md
	$(BIN)/python -m benchmarks.backend.place_index --json benchmarks/results/place_index.json --markdown benchmarks/results/place_index.md
	$(BIN)/python -m benchmarks.gate --clips kitti07_0-159,hololens_000 --json benchmarks/results/gate.json --markdown benchmarks/results/gate.md
	$(BIN)/python -m benchmarks.backend.scale --json benchmarks/results/backend_scale.json --markdown benchmarks/results/backend_scale.md
	$(BIN)/python -m benchmarks.backend.revisit --pictures benchmarks/results --json benchmarks/results/backend_revisit.json --markdown benchmarks/results/backend_revisit.md
	$(BIN)/python -m benchmarks.scaling.throughput --json benchmarks/results/throughput.json --markdown benchmarks/results/throughput.md
	$(BIN)/python -m benchmarks.cloud.ghosts --json benchmarks/results/ghosts.json --markdown benchmarks/results/ghosts.md
	$(BIN)/python -m benchmarks.colmap --json benchmarks/results/colmap.json --markdown benchmarks/results/colmap.md
	$(BIN)/python -m benchmarks.export --json benchmarks/results/export.json --markdown benchmarks/results/export.md
	$(BIN)/python -m benchmarks.seeking --json benchmarks/results/seeking.json --markdown benchmarks/results/seeking.md
	$(BIN)/python -m benchmarks.readers --json benchmarks/results/readers.json --markdown benchmarks/results/readers.md
	$(BIN)/python -m benchmarks.cloud.merge --points 2e8 --formats ply,laz --json benchmarks/results/merge.json --markdown benchmarks/results/merge.md
	$(BIN)/python -m benchmarks.octree --points 50e6 --json benchmarks/results/octree.json --markdown benchmarks/results/octree.md
	$(BIN)/python -m benchmarks.scaling.growth --predictor sfm --frames 10000 --size 96x72 --set loops.descriptor=off --picture benchmarks/results/sfm_long.png --json benchmarks/results/sfm_long.json --markdown benchmarks/results/sfm_long.md
	$(BIN)/python -m benchmarks.scaling.growth --picture benchmarks/results/long_run.png --json benchmarks/results/long_run.json --markdown benchmarks/results/long_run.md
	$(BIN)/python -m benchmarks.viewing.big_run build/road_200m --points 200e6 --no-pages
	$(BIN)/python -m benchmarks.viewing.page --large build/road_200m --json benchmarks/results/page.json --markdown benchmarks/results/page.md
	$(BIN)/python -m benchmarks.viewing.server_cost --json benchmarks/results/server_cost.json --markdown benchmarks/results/server_cost.md
	$(BIN)/python -m benchmarks.scaling.disk --json benchmarks/results/disk.json --markdown benchmarks/results/disk.md
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.remote.s3 --json benchmarks/results/remote_s3.json --markdown benchmarks/results/remote_s3.md
	$(BIN)/python -m benchmarks.remote.batches --json benchmarks/results/remote_batches.json --markdown benchmarks/results/remote_batches.md
	$(BIN)/python -m benchmarks.kill --json benchmarks/results/kill.json --markdown benchmarks/results/kill.md
	$(BIN)/python -m benchmarks.ray.identical --json benchmarks/results/ray_identical.json --markdown benchmarks/results/ray_identical.md
	$(BIN)/python -m benchmarks.ray.faults --json benchmarks/results/ray_faults.json --markdown benchmarks/results/ray_faults.md
	$(BIN)/python -m benchmarks.ray.speed --json benchmarks/results/ray_speed.json --markdown benchmarks/results/ray_speed.md
	$(BIN)/python -m benchmarks.ray.many_videos --set loops.descriptor=off --json benchmarks/results/many_videos.json --markdown benchmarks/results/many_videos.md
	$(BIN)/python -m benchmarks.ray.driver_memory --json benchmarks/results/ray_driver_memory.json --markdown benchmarks/results/ray_driver_memory.md
	$(BIN)/python -m benchmarks.city.graph --json benchmarks/results/city_graph.json --markdown benchmarks/results/city_graph.md
	$(BIN)/python -m benchmarks.city.loops --json benchmarks/results/city_loops.json --markdown benchmarks/results/city_loops.md
	$(BIN)/python -m benchmarks.city.places --json benchmarks/results/city_places.json --markdown benchmarks/results/city_places.md
	$(BIN)/python -m benchmarks.city.machines --json benchmarks/results/city_machines.json --markdown benchmarks/results/city_machines.md
	$(BIN)/python -m benchmarks.city.picture benchmarks/results/city.png
	$(BIN)/python -m benchmarks.trust run --part both --workers 2
	$(BIN)/python -m benchmarks.trust pack
	$(BIN)/python -m benchmarks.trust score --records benchmarks/results/trust --markdown benchmarks/results/trust.md
	$(BIN)/python -m benchmarks.trust score --records benchmarks/results/trust --apart --markdown benchmarks/results/trust_apart.md --picture benchmarks/results/trust.png
	$(BIN)/python -m benchmarks.trust severity --records benchmarks/results/trust --json benchmarks/results/trust_severity.json --markdown benchmarks/results/trust_severity.md

configs: setup
	$(BIN)/python -c "from da3_stream.settings import base_yaml; print(base_yaml(), end='')" > configs/base.yaml

# the site, in build/site; opens from disk
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# the page of `da3-stream view`, from da3_stream/viewer/page (needs npm; what it makes is committed)
PAGE := da3_stream/viewer/page
assets: $(PAGE)/node_modules/.package-lock.json
	cd $(PAGE) && node build.mjs

$(PAGE)/node_modules/.package-lock.json: $(PAGE)/package-lock.json
	cd $(PAGE) && npm ci --no-audit --no-fund --ignore-scripts
	touch $@

# the steps of the Dockerfile without docker, in build/image: minutes, and downloads; ARGS="TORCH_INDEX=https://..." for another index
dockerfile: setup
	$(BIN)/python -m tests.docs.dockerfile build/image $(ARGS)
