# Build, run, test.  "make help" lists the targets.

SHELL      := /bin/bash
BUILD      ?= build
NGX_SRC    ?= /usr/share/nginx/src
SANITIZE   ?=

TOP        := $(CURDIR)
OUT        := $(abspath $(BUILD))
MODULE     := $(OUT)/ngx_http_ehr_module.so
CORE       := $(OUT)/libehr.a

CC         := gcc
WARN       := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
              -Wmissing-prototypes -Wpointer-arith -Wno-unused-parameter
HARDEN     := -fstack-protector-strong -D_FORTIFY_SOURCE=2

# What pkg-config says of Debian's xmlsec: the first is part of its ABI.
XMLSEC     := -DXMLSEC_NO_SIZE_T -DXMLSEC_NO_CRYPTO_DYNAMIC_LOADING \
              -DXMLSEC_CRYPTO_OPENSSL
CPPFLAGS_C := -D_GNU_SOURCE -Ingx_ehr_module/include -Ingx_ehr_module/core \
              -Ingx_ehr_module/store -Iplugins/common -I$(OUT)/gen \
              -I/usr/include/libxml2 -I/usr/include/xmlsec1 $(XMLSEC)
CFLAGS_C   := -std=c11 -O2 -g -fPIC -fvisibility=hidden $(WARN)
ifneq ($(SANITIZE),)
SAN        := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer
CFLAGS_C   += $(SAN)
else
CFLAGS_C   += $(HARDEN)
endif

LIBS_CORE  := -lxmlsec1-openssl -lxmlsec1 -lxml2 -ljwt -ljansson -lutf8proc \
              -lzstd -lsqlite3 -lcrypto -lhiredis -lpthread
LIBS_insurance := -lcrypto -ljansson

# What validators share: a library that is part of each of them.
RULES_SRC  := $(wildcard plugins/common/*.c)
RULES_OBJ  := $(RULES_SRC:%.c=$(OUT)/obj/%.o)
RULES      := $(OUT)/libehr_rules.a

CORE_SRC   := $(wildcard ngx_ehr_module/core/*.c ngx_ehr_module/store/*.c)
GEN_SRC    := $(OUT)/gen/ehr_tables.c
CORE_OBJ   := $(CORE_SRC:%.c=$(OUT)/obj/%.o) $(OUT)/obj/gen/ehr_tables.o
PLUGINS    := $(patsubst plugins/%/,%,$(dir $(wildcard plugins/*/*.c)))
PLUGINS    := $(filter-out common,$(sort $(PLUGINS)))
PLUGIN_SO  := $(PLUGINS:%=$(OUT)/plugins/%.so)
UNIT_SRC   := $(wildcard t/unit/test_*.c)
UNIT_BIN   := $(UNIT_SRC:t/unit/%.c=$(OUT)/t/unit/%)
EHRCTL     := $(OUT)/ehrctl
LOAD       := $(OUT)/ehr-load
BARE       := $(OUT)/ehr-bare

NGX_FILES  := $(wildcard ngx_ehr_module/*.[ch] ngx_ehr_module/stages/*.[ch] \
              ngx_ehr_module/courier/*.[ch] ngx_ehr_module/services/*.[ch]) \
              ngx_ehr_module/config
NGX_HDR    := $(wildcard ngx_ehr_module/core/*.h ngx_ehr_module/store/*.h \
              ngx_ehr_module/include/*.h)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all help deps-build deps-run deps-test core module plugins unit test \
        test-build run stop bench bench-lanes asan valgrind style docs-check \
        clean fuzz fuzz-long fuzz-replay fuzz-merge fuzz-build

help:
	@sed -n 's/^#: //p' Makefile

#: all          build the module, the plugins and ehrctl (default)
all: deps-build
	@$(MAKE) --no-print-directory -s build-all

.PHONY: build-all
build-all: $(MODULE) $(PLUGIN_SO) $(EHRCTL) $(LOAD)

deps-build deps-run deps-test deps-style deps-valgrind deps-fuzz: deps-%:
	@conf/dev/packages.sh $*

core: $(CORE)
module: $(MODULE)
plugins: $(PLUGIN_SO)

# --- core: plain C ---------------------------------------------------------

$(OUT)/obj/%.o: %.c | $(OUT)/gen/ehr_tables.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_C) $(CFLAGS_C) -MMD -MP -c -o $@ $<

$(OUT)/obj/gen/%.o: $(OUT)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_C) $(CFLAGS_C) -MMD -MP -c -o $@ $<

$(CORE): $(CORE_OBJ)
	@rm -f $@
	ar rcs $@ $^

# Field tables of the Ministry's standards become C tables, XSD and pages.

STANDARDS := $(shell find conf/standards -type f 2>/dev/null)

$(OUT)/gen/ehr_tables.c $(OUT)/gen/ehr_tables.h $(OUT)/gen/ehr_fields.h &: \
        $(STANDARDS)
	@mkdir -p $(OUT)/gen $(OUT)/standards
	perl conf/standards/generate.pl --standards conf/standards \
	    --out $(OUT)/gen --xsd $(OUT)/standards

#: pages        docs/standards, a page for each field table
.PHONY: pages
pages:
	@mkdir -p $(OUT)/gen $(OUT)/standards docs/standards
	@perl conf/standards/generate.pl --standards conf/standards \
	    --out $(OUT)/gen --xsd $(OUT)/standards --pages docs/standards

# --- migrations are text inside the object ---------------------------------

MIGRATIONS := $(sort $(wildcard ngx_ehr_module/store/migrations/*.sql))

$(OUT)/gen/ehr_migrations.h: $(MIGRATIONS)
	@mkdir -p $(@D)
	perl ngx_ehr_module/store/migrations/embed.pl $(MIGRATIONS) > $@

$(OUT)/obj/ngx_ehr_module/store/ehr_store_migrate.o: \
    $(OUT)/gen/ehr_migrations.h

# --- the nginx module: configured against nginx-dev only -------------------

NGX_CC_OPT  = $(shell dpkg-buildflags --get CFLAGS) \
              $(shell dpkg-buildflags --get CPPFLAGS) \
              -fPIC $(SAN)
NGX_LD_OPT  = $(shell dpkg-buildflags --get LDFLAGS) -fPIC $(SAN) \
              -Wl,--version-script=$(TOP)/ngx_ehr_module/exports.map

$(OUT)/ngx/Makefile: ngx_ehr_module/config ngx_ehr_module/exports.map \
                     $(shell ls -1 $(NGX_SRC)/conf_flags 2>/dev/null)
	@mkdir -p $(OUT)/ngx
	cd $(NGX_SRC) && . ./conf_flags && EHR_TOP=$(TOP) EHR_OUT=$(OUT) \
	    EHR_LIBS="$(LIBS_CORE)" ./configure \
	    --with-cc-opt="$(NGX_CC_OPT)" --with-ld-opt="$(NGX_LD_OPT)" \
	    "$${NGX_CONF_FLAGS[@]}" \
	    --add-dynamic-module=$(TOP)/ngx_ehr_module \
	    --builddir=$(OUT)/ngx >$(OUT)/ngx-configure.log 2>&1 \
	    || { tail -n 20 $(OUT)/ngx-configure.log; exit 1; }

# The stamp holds the list of files and libraries, so that a new one, or one
# that is gone, configures anew.

$(OUT)/ngx.files: FORCE
	@mkdir -p $(OUT)
	@echo '$(NGX_FILES) $(NGX_HDR) $(LIBS_CORE) $(SAN)' | cmp -s - $@ \
	    || echo '$(NGX_FILES) $(NGX_HDR) $(LIBS_CORE) $(SAN)' > $@
.PHONY: FORCE

$(OUT)/ngx/Makefile: $(OUT)/ngx.files

$(MODULE): $(OUT)/ngx/Makefile $(NGX_FILES) $(NGX_HDR) $(CORE)
	@rm -f $(OUT)/ngx/ngx_http_ehr_module.so
	$(MAKE) -f $(OUT)/ngx/Makefile -C $(NGX_SRC) modules
	@! nm -D --undefined-only $(OUT)/ngx/ngx_http_ehr_module.so \
	    | grep -w 'U ehr_[a-z0-9_]*' || { echo 'is missing'; exit 1; }
	@mv $(OUT)/ngx/ngx_http_ehr_module.so $@.new && mv $@.new $@

# --- plugins ---------------------------------------------------------------

# A plugin may leave out what the contract grew at its end.

CFLAGS_P   := -D_GNU_SOURCE -Ingx_ehr_module/include -Iplugins/common \
              -I$(OUT)/gen $(CFLAGS_C) -Wno-missing-field-initializers

$(RULES): $(RULES_OBJ)
	@rm -f $@
	ar rcs $@ $^

define plugin_rule
$(OUT)/plugins/$(1).so: $(wildcard plugins/$(1)/*.[ch]) \
                        $(wildcard plugins/common/*.h) $(RULES) \
                        $(OUT)/gen/ehr_fields.h \
                        ngx_ehr_module/include/ehr_plugin.h
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS_P) -shared -Wl,-z,defs,-z,relro,-z,now -o $$@.new \
	    $(wildcard plugins/$(1)/*.c) $(RULES) $(LIBS_$(1))
	@mv $$@.new $$@
endef
$(foreach p,$(PLUGINS),$(eval $(call plugin_rule,$(p))))

# --- programs --------------------------------------------------------------

$(EHRCTL): $(wildcard ehrctl/*.[ch]) $(CORE)
	$(CC) $(CPPFLAGS_C) $(CFLAGS_C) -o $@ $(wildcard ehrctl/*.c) $(CORE) \
	    -lssl $(LIBS_CORE)

$(LOAD): $(wildcard t/bench/*.[ch])
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=c11 -O2 -g $(WARN) -o $@ \
	    $(wildcard t/bench/*.c) -lssl -lcrypto -lpthread

$(BARE): t/bench/journal/bare.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=c11 -O2 -g $(WARN) -o $@ $< -lsqlite3

# --- unit tests ------------------------------------------------------------

$(OUT)/t/unit/%: t/unit/%.c $(CORE) $(RULES) $(wildcard t/unit/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_C) $(CFLAGS_C) -DEHR_TOP='"$(TOP)"' \
	    -DEHR_OUT='"$(OUT)"' -o $@ $< $(RULES) $(CORE) $(LIBS_CORE) \
	    -lcmocka -ldl

# A validator that is wrong in one way each time it is built.

ODD        := NONE SYMBOL MAJOR MINOR FIRST SHORT LONG SIZE FLAGS NAME \
              PARTNER PREPARE JUDGE DIGEST KIND KINDS TWICE SENTENCE
ODD_SO     := $(ODD:%=$(OUT)/t/plugins/odd-%.so)

$(OUT)/t/plugins/odd-%.so: t/unit/plugins/odd.c $(OUT)/gen/ehr_fields.h \
                           ngx_ehr_module/include/ehr_plugin.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_P) -Wno-override-init -Wno-unused -shared -DODD_$* \
	    -o $@ $<

# Partners that stand in for others in tests.

STANDIN_SO := $(patsubst t/plugins/%/,$(OUT)/t/plugins/%.so,\
              $(wildcard t/plugins/*/))

$(STANDIN_SO): $(OUT)/t/plugins/%.so: $(wildcard t/plugins/*/*.[ch]) \
               ngx_ehr_module/include/ehr_plugin.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_P) -shared -Wl,-z,defs -o $@.new t/plugins/$*/*.c
	@mv $@.new $@

.PHONY: unit-build
unit-build: $(UNIT_BIN) $(PLUGIN_SO) $(ODD_SO) $(STANDIN_SO)

#: unit         the C unit tests alone
unit: deps-build deps-test
	@$(MAKE) --no-print-directory -s unit-build
	@EHR_BUILD=$(OUT) $(PROVE) t/00-unit.t

# --- fuzzing ---------------------------------------------------------------

# A program for each target: with gcc it replays files, which is all that
# "make test" needs; in build/fuzz it is libFuzzer's.

FUZZ_RULES := $(filter claims checkin notices driver_exam,$(PLUGINS))
FUZZ       ?= $(patsubst t/fuzz/fuzz_%.c,%,$(wildcard t/fuzz/fuzz_*.c)) \
              $(FUZZ_RULES)
FUZZ_BIN   := $(FUZZ:%=$(OUT)/t/fuzz/%)
FUZZ_SRC   := t/fuzz/fuzz.c t/fuzz/arena.c t/fuzz/document.c t/fuzz/key.c \
              t/fuzz/partner.c
ifneq ($(findstring fuzzer,$(SANITIZE)),)
FUZZ_SRC   += t/fuzz/mutate.c
FUZZ_LINK  := -fsanitize=fuzzer
else
FUZZ_SRC   += t/fuzz/replay.c
endif
FUZZ_OBJ   := $(FUZZ_SRC:%.c=$(OUT)/obj/%.o)

fuzz-build: $(FUZZ_BIN) $(OUT)/fuzz-xml.dict $(OUT)/fuzz-json.dict

$(OUT)/obj/t/fuzz/%.o: CPPFLAGS_C += -DEHR_TOP='"$(TOP)"'
$(OUT)/obj/plugins/%.o: CFLAGS_C += -Wno-missing-field-initializers

$(OUT)/fuzz-%.dict: t/fuzz/dictionary.pl $(STANDARDS)
	@mkdir -p $(@D)
	perl $< $* conf/standards > $@

# A plugin is linked in, and opened as part of the program.

fuzz_plugin = $(patsubst %.c,$(OUT)/obj/%.o,$(wildcard plugins/$(1)/*.c))

define fuzz_program
$(OUT)/t/fuzz/$(1): $(OUT)/obj/t/fuzz/$(2).o $(FUZZ_OBJ) \
        $(call fuzz_plugin,$(3)) $(RULES) $(CORE)
	@mkdir -p $$(@D)
	$(CC) $(SAN) $(FUZZ_LINK) -rdynamic -o $$@ $$^ $(LIBS_CORE) -ldl
endef
$(foreach t,$(FUZZ),$(eval $(call fuzz_program,$(t),$(strip \
    $(if $(filter $(t),$(FUZZ_RULES)),validator,fuzz_$(t))),$(strip \
    $(if $(filter insurance_%,$(t)),insurance,$(filter $(t),$(FUZZ_RULES)))))))

#: fuzz         fuzz every target for SECONDS=60; FUZZ="gate token" for some
fuzz: SECONDS ?= 60
fuzz: FUZZ_DOES = run $(SECONDS)

#: fuzz-long    the same for an hour each
fuzz-long: SECONDS ?= 3600
fuzz-long: FUZZ_DOES = run $(SECONDS)

#: fuzz-replay  the committed corpus under the sanitizers
fuzz-replay: FUZZ_DOES = replay 0

#: fuzz-merge   takes into the committed corpus what reaches more of the code
fuzz-merge: FUZZ_DOES = merge 0

fuzz fuzz-long fuzz-replay fuzz-merge: deps-fuzz
	@$(MAKE) --no-print-directory -s BUILD=$(OUT)/fuzz CC=clang \
	    SANITIZE=fuzzer-no-link,address,undefined fuzz-build
	@EHR_BUILD=$(OUT)/fuzz t/fuzz/run.sh $(FUZZ_DOES) $(FUZZ)

# --- tests -----------------------------------------------------------------

# The soak takes longest and begins first; the others run beside it.

TESTS      ?= t/99-soak.t \
              $(filter-out t/99-soak.t,$(sort $(wildcard t/*.t)))
JOBS       ?= 2
LEAKS      ?=
PROVE      := prove -It/lib

test-build: build-all unit-build fuzz-build $(OUT)/t/keep_open.so \
            $(OUT)/t/fault/fault.so $(OUT)/t/fault/journal \
            $(OUT)/t/no_eventfd.so $(BARE)

# Faults are preloaded; what checks the journal after them is a program.

PRELOAD    := $(addprefix t/fault/,fault.c plan.c talk.c memory.c clock.c)
FAULT_SRC  := $(filter-out $(PRELOAD),$(wildcard t/fault/*.c))

$(OUT)/t/fault/fault.so: $(PRELOAD) t/fault/preload.h t/fault/trace.h
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=c11 -O2 -g -fPIC -shared $(WARN) -o $@ \
	    $(PRELOAD)

$(OUT)/t/fault/journal: $(FAULT_SRC) $(wildcard t/fault/*.h) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_C) $(CFLAGS_C) -o $@ $(FAULT_SRC) $(CORE) \
	    $(LIBS_CORE)

$(OUT)/t/keep_open.so $(OUT)/t/no_eventfd.so: $(OUT)/t/%.so: t/lib/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -fPIC -shared $(WARN) -o $@ $<

#: test         every test; TESTS=t/10-identity.t for some of them
test: deps-test
	@$(MAKE) --no-print-directory -s test-build
	@EHR_BUILD=$(OUT) $(PROVE) -j$(JOBS) -r $(TESTS)

#: asan         the same under AddressSanitizer and UBSan, in build/asan;
#:              LEAKS=1 looks for leaks of nginx as well
asan: deps-test
	@$(MAKE) --no-print-directory -s BUILD=$(OUT)/asan \
	    SANITIZE=address,undefined test-build
	@EHR_BUILD=$(OUT)/asan EHR_SANITIZE=1 EHR_DETECT_LEAKS=$(LEAKS) \
	    $(PROVE) -j$(JOBS) -r $(TESTS)

#: valgrind     the unit tests under valgrind; TESTS=t for all
valgrind: TESTS = t/00-unit.t
valgrind: deps-valgrind
	@$(MAKE) --no-print-directory -s test-build
	@EHR_BUILD=$(OUT) EHR_VALGRIND=1 $(PROVE) -r $(TESTS)

#: style        look of the sources, by machine
style: deps-style
	@conf/dev/style.sh

#: docs-check   documents list what the code has
docs-check: deps-build
	@perl conf/dev/docs-check.pl

#: rules-doc    docs/rules.md from the tables of the validators
rules-doc: $(EHRCTL) $(PLUGIN_SO)
	@conf/dev/rules-doc.pl $(OUT) > docs/rules.md.new
	@mv docs/rules.md.new docs/rules.md
.PHONY: rules-doc

# --- the development world ---------------------------------------------------

#: run          Redis, partner simulators and nginx on loopback, with samples
run: deps-run
	@$(MAKE) --no-print-directory -s build-all
	@EHR_BUILD=$(OUT) conf/dev/world.sh start

#: stop         stop what run has started
stop:
	@EHR_BUILD=$(OUT) conf/dev/world.sh stop

#: bench        load on loopback; prints the table of docs/benchmarks.md
bench: deps-test
	@$(MAKE) --no-print-directory -s build-all $(BARE) \
	    $(OUT)/t/plugins/odd-NONE.so $(OUT)/t/unit/test_cost
	@EHR_BUILD=$(OUT) perl -It/lib t/bench/bench.pl

#: bench-lanes  what a partner that is down costs the others, and what one
#:              hospital's 10,000 documents cost another's one
bench-lanes: deps-test
	@$(MAKE) --no-print-directory -s build-all
	@EHR_BUILD=$(OUT) perl -It/lib t/bench/lanes.pl
	@EHR_BUILD=$(OUT) EHR_FAIR_DOCUMENTS=10000 $(PROVE) -v t/85-fairness.t

#: soak         load and faults for MINUTES=5, then a verdict; its table goes
#:              into docs/reliability.md
soak: MINUTES ?= 5
soak: deps-test
	@$(MAKE) --no-print-directory -s test-build
	@EHR_BUILD=$(OUT) EHR_SOAK_SECONDS=$$(( $(MINUTES) * 60 )) \
	    EHR_SOAK_DOCUMENT=$(TOP)/docs/reliability.md \
	    perl -It/lib t/soak/soak.pl
.PHONY: soak

#: bench-journal  the same beside a journal of ROWS=1000000 documents
.PHONY: bench-journal
bench-journal: ROWS ?= 1000000
bench-journal: deps-test
	@$(MAKE) --no-print-directory -s test-build
	@EHR_BUILD=$(OUT) ROWS=$(ROWS) perl -It/lib t/bench/journal_rows.pl

#: clean        remove everything that was built
clean:
	rm -rf $(OUT)

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
