# make            the library, its header, its pkg-config file and the tools, in build/
# make install    into $(DESTDIR)$(PREFIX)
# make demo       build examples/backup.c against the library and run it
# make test       everything that must hold; ends with a non-zero code when something does not
# make simulate SEEDS=n SEED=first   random runs of the engine on a simulated disk with faults, on all cores
# make bench      the same work here, in SQLite and in LMDB; how fast a log is replayed
# make bench-backup MEGABYTES=n   a backup of a store of that size, 2048 MB without, beside writers; in SQLite and LMDB, too
# make lint       gofmt, go vet, staticcheck
# make conformance [AREAS="backup seek"]   transcripts of the original engine, counted by area
# make generate   what follows from the specification's tables (needs $(SPEC))
# make sync-shared  take over newer copies of the benchmark and the conformance kit from $(SHARED)
#
# Each target names, or as root on Debian installs, what it lacks (tools/need.sh).

SHARED  ?= ../shared
SPEC    ?= $(SHARED)/spec/api
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
VERSION := 0.1.0
SONAME  := libesent.so.0
B       := build
ROWS    ?= 300000
AREAS   ?=
SEEDS   ?= 2000
SEED    ?= 1
MEGABYTES ?= 2048
CC      ?= cc

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
EXTLDFLAGS  := -Wl,-soname,$(SONAME) -Wl,-z,nodelete -Wl,--version-script=$(CURDIR)/cabi/libesent.map
NEED        := tools/need.sh
COMMANDS    := $(notdir $(wildcard cmd/*))

.PHONY: all lib tools install demo test simulate bench bench-backup lint conformance generate sync-shared clean FORCE

all: lib tools

lib: $(B)/libesent.so $(B)/$(SONAME) $(B)/include/esent.h $(B)/include/esent_ext.h $(B)/esent.pc

# The Go command knows best what is out of date. The library is replaced in one step, and only when it
# differs, so that programs that use it meanwhile are not disturbed. Where the tables are at hand, a new
# Go side of a function is taken up at once; the continuous integration builds what is committed.
ifeq ($(CI),true)
EXPORTS := true
else
EXPORTS := test ! -d $(SPEC) || go run ./tools/jetgen -spec $(SPEC) -cabi cabi -status docs/api-status.md
endif

$(B)/libesent.so: FORCE
	@$(NEED) go gcc
	@mkdir -p $(B)/new
	@flock $(B)/.lock sh -c '{ $(EXPORTS); } && go build -trimpath -buildmode=c-shared -ldflags "-extldflags \"$(EXTLDFLAGS)\"" \
	    -o $(B)/new/libesent.so ./cabi && \
	    { cmp -s $(B)/new/libesent.so $@ || { cp $(B)/new/libesent.so $@.new && mv -f $@.new $@; }; }'

$(B)/$(SONAME): $(B)/libesent.so
	@ln -sf libesent.so $@

$(B)/include/%.h: include/%.h
	@mkdir -p $(@D)
	@cp $< $@

$(B)/esent.pc: cabi/esent.pc.in FORCE
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

tools: $(COMMANDS:%=$(B)/%)

$(COMMANDS:%=$(B)/%): FORCE
	@$(NEED) go
	go build -trimpath -o $@ ./cmd/$(@F)

install: all
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 755 $(B)/libesent.so $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libesent.so
	install -m 644 include/esent.h include/esent_ext.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(B)/esent.pc $(DESTDIR)$(LIBDIR)/pkgconfig/esent.pc
	for c in $(COMMANDS); do install -D -m 755 $(B)/$$c $(DESTDIR)$(PREFIX)/bin/$$c; done

demo: lib
	@test -f examples/backup.c || { echo "make demo: examples/backup.c is missing"; exit 1; }
	$(CC) -std=c99 -O1 -Wall -I include examples/backup.c -o $(B)/demo -L $(B) -lesent -Wl,-rpath,$(CURDIR)/$(B)
	$(B)/demo

test: lib
	@$(NEED) go gcc g++ make python3 nm:binutils xz:xz-utils valgrind esedbexport:libesedb-utils
	go vet ./...
	go test -p 2 ./...
	@cat $(B)/conformance.txt
	@echo "test: everything that must hold does"

simulate:
	@$(NEED) go
	@mkdir -p $(B)
	go test -c -o $(B)/simtest ./internal/simtest
	$(B)/simtest -test.run '^TestModel$$' -test.v -seed=$(SEED) -seeds=$(SEEDS) -progress

conformance: lib
	@$(NEED) python3 $(CC):gcc
	@python3 tests/conformance/run.py $(B)/libesent.so --include include -j 2 -q --diff 0 \
	    $(AREAS:%=tests/conformance/scripts/%) > $(B)/conformance.txt; \
	    code=$$?; grep -v '^FAILED' $(B)/conformance.txt; exit $$code

bench: lib
	@$(NEED) $(CC):gcc python3 header:sqlite3.h:libsqlite3-dev header:lmdb.h:liblmdb-dev
	@mkdir -p bench/out
	$(CC) -O2 bench/bench.c bench/bench_sqlite.c -o bench/out/bench_sqlite -lsqlite3 -lpthread
	$(CC) -O2 bench/bench.c bench/bench_lmdb.c -o bench/out/bench_lmdb -llmdb -lpthread
	$(CC) -O2 -I include bench/bench.c bench/bench_esent.c -o bench/out/bench_esent \
	    -L $(B) -lesent -lpthread -Wl,-rpath,$(CURDIR)/$(B)
	$(CC) -O2 -I include bench/bench_recovery.c -o bench/out/bench_recovery \
	    -L $(B) -lesent -lpthread -Wl,-rpath,$(CURDIR)/$(B)
	python3 bench/compare.py --ours bench/out/bench_esent --peer bench/out/bench_sqlite --peer bench/out/bench_lmdb \
	    --rows $(ROWS)
	$(CC) -O2 bench/build.c bench/build_sqlite.c -o bench/out/build_sqlite -lsqlite3
	$(CC) -O2 -I include bench/build.c bench/build_esent.c -o bench/out/build_esent -L $(B) -lesent -Wl,-rpath,$(CURDIR)/$(B)
	python3 bench/compare.py --ours bench/out/build_esent --peer bench/out/build_sqlite --rows 1000000
	@rm -rf bench/out/recovery
	bench/out/bench_recovery bench/out/recovery $(ROWS)
	@rm -rf bench/out/recovery

bench-backup: lib
	@$(NEED) $(CC):gcc python3 header:sqlite3.h:libsqlite3-dev header:lmdb.h:liblmdb-dev
	@mkdir -p bench/out
	$(CC) -O2 bench/bench_backup.c bench/bench_sqlite.c -o bench/out/backup_sqlite -lsqlite3 -lpthread
	$(CC) -O2 bench/bench_backup.c bench/bench_lmdb.c -o bench/out/backup_lmdb -llmdb -lpthread
	$(CC) -O2 -I include bench/bench_backup.c bench/backup_extra.c bench/bench_esent.c -o bench/out/backup_esent \
	    -L $(B) -lesent -lpthread -Wl,-rpath,$(CURDIR)/$(B)
	python3 bench/compare.py --ours bench/out/backup_esent --peer bench/out/backup_sqlite --peer bench/out/backup_lmdb \
	    --rows $(MEGABYTES) --rounds 1 --dir bench/out

lint:
	@$(NEED) go gcc
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt needed:" $$unformatted; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

generate:
	@test -d $(SPEC) || { echo "make generate: the tables are not at $(SPEC); set SPEC"; exit 1; }
	@$(NEED) go
	go run ./tools/jetgen -spec $(SPEC) -out internal/jet -header include/esent.h -cabi cabi -status docs/api-status.md

sync-shared:
	@test -d $(SHARED) || { echo "make sync-shared: nothing at $(SHARED); set SHARED"; exit 1; }
	cp -ru --no-preserve=mode $(SHARED)/bench/. bench/
	cp -ru --no-preserve=mode $(SHARED)/conformance/. tests/conformance/

clean:
	rm -rf $(B) bench/out
