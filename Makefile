# pvboot: a boot loader for Xen domains. `make help` says what there is.

GO          ?= go
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2
CACHE       ?= $(or $(PVBOOT_CACHE),.cache)
FUZZTIME    ?= 3s

# What `make run` boots; other options for it: make run ARCH=arm64 ARGS='-xen 4.20'
ARCH ?= amd64
DISK ?= $(CACHE)/run/debian-$(ARCH).img
ARGS ?=

# Packages whose tests also run with the race detector, and on bare metal.
RACE  = ./xen/... ./console/... ./blkfront/... ./serial
METAL = ./guest ./guest/handover ./arch/... ./hypercall ./xen/... ./console/... ./blkfront/... ./serial ./memdisk \
	./loader/image/... ./loader/menu ./loader/term ./loader/fs/tree

# Packages that have the same in assembly for one processor and in Go for all others.
PUREGO = ./loader/image/codec/lzma

# Packages whose tests also run big-endian: those that share memory with others.
BIGENDIAN = ./hypercall ./xen/... ./console/... ./blkfront/... ./arch/... ./loader/volume ./loader/fs/... ./internal/fdt

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: run
run: host-packages $(DISK) ## boot Xen and show the menu of a Debian disk; Ctrl-] leaves
	$(GO) run ./cmd/rig boot -arch $(ARCH) $(ARGS) $(DISK)

$(DISK): | host-packages
	mkdir -p $(@D)
	$(GO) run ./cmd/rig disk -arch $(ARCH) $@

.PHONY: test
test: host-packages check test-unit test-big-endian test-race test-fuzz test-metal test-hypervisor test-qemu test-xen ## run everything

.PHONY: check
check: ## gofmt, go vet and staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "gofmt: $$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags rig ./test/...
	$(GO) vet -tags purego $(PUREGO)
	GOARCH=arm64 $(GO) vet ./...
	GOARCH=riscv64 $(GO) vet ./...
	GOARCH=ppc64le $(GO) vet ./...
	GOARCH=ppc64 $(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) run -exec "env GOARCH=arm64" $(STATICCHECK) ./...
	$(GO) run -exec "env GOARCH=riscv64" $(STATICCHECK) ./...
	$(GO) run -exec "env GOARCH=ppc64le" $(STATICCHECK) ./...
	$(GO) run $(STATICCHECK) -tags rig ./test/...
	$(GO) run $(STATICCHECK) -tags purego $(PUREGO)

.PHONY: test-unit
test-unit: ## tests on the host
	$(GO) test ./...
	$(GO) test -tags purego $(PUREGO)

.PHONY: test-big-endian
test-big-endian: ## the library on a big-endian processor, ppc64
	GOARCH=ppc64 $(GO) test -exec 'qemu-ppc64 -cpu power9' $(BIGENDIAN)

.PHONY: test-race
test-race: ## the same with the race detector, for what runs concurrently
	$(GO) test -race $(RACE)

.PHONY: test-fuzz
test-fuzz: ## each fuzz target for FUZZTIME
	scripts/fuzz $(FUZZTIME)

.PHONY: test-metal
test-metal: ## the packages of a guest, on bare metal in QEMU
	$(GO) run ./cmd/xengo test $(METAL)
	$(GO) run ./cmd/xengo test -arch arm64 $(METAL)
	$(GO) run ./cmd/xengo test -arch riscv64 $(METAL)
	$(GO) run ./cmd/xengo test -arch ppc64le $(METAL)

# One after the other: each starts as many QEMUs as there are processors.
.PHONY: test-hypervisor
test-hypervisor: ## domains on the test hypervisors in QEMU
	$(GO) test -tags rig -timeout 30m ./test/hypervisor/...

.PHONY: test-qemu
test-qemu: ## machines without Xen
	$(GO) test -tags rig -timeout 30m ./test/qemu

.PHONY: test-xen
test-xen: ## domains on real Xen in QEMU
	$(GO) test -tags rig -timeout 60m -p 1 ./test/image ./test/xen

.PHONY: bench
bench: host-packages ## measure pvboot, PvGRUB and direct boot side by side
	$(GO) run ./cmd/bench $(ARGS)
	$(GO) run ./cmd/bench -mode pv $(ARGS)
	$(GO) run ./cmd/bench -arch arm64 $(ARGS)

.PHONY: soak
soak: host-packages $(DISK) ## a hundred boots in a row
	$(GO) run ./cmd/rig boot -arch $(ARCH) -boots 100 -timeout 0 -keys 'keys to select=>\r' -expect PVBOOT-OK $(DISK)

.PHONY: host-packages
host-packages: ## install what the host lacks (Debian, Ubuntu)
	@scripts/install-host-packages

.PHONY: clean
clean: ## remove what was downloaded and built
	rm -rf $(CACHE)
