# ker.mk - how the kernels are compiled, and their own bench.

# Line numbers only: the functions are too long for variable tracking. Under a sanitizer loops stay rolled up: minutes
# less. The scalar table has nothing but the compiler's own vectors: twice as fast with -O3;
# quantising on load gains more.
$(BUILD)/obj/kernels/%.o: CFLAGS_ALL += -g1 $(if $(SAN),-DKERNELS_ROLLED)
ifeq ($(SAN),)
$(BUILD)/obj/kernels/%_scalar.o $(BUILD)/obj/kernels/quantize.o: ISA = -O3
# Packing is what loading waits for: three times as fast.
$(BUILD)/obj/kernels/pack.o: ISA = -O3
endif

.PHONY: bench-kernels
bench-kernels: $(BUILD)/bench_kernels ## measure the matrix products alone: GOP/s and GB/s per format
	$(BUILD)/bench_kernels

$(BUILD)/bench_kernels: bench/bench_kernels.c $(LIB)
	$(call SAY,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d $< $(LIB) -o $@ $(LDLIBS_ALL)

-include $(BUILD)/bench_kernels.d

# The AVX-512 table over an emulation of its instructions, so that a machine without them tests it too: test_kernels with
# this table in place of the library's.
ifeq ($(ARCH),x86_64)
EMULATED := $(BUILD)/tests/test_kernels_emulated
UNIT_TESTS_EXTRA += $(EMULATED)
$(BUILD)/obj/emulated/kernels_avx512.o: src/kernels/kernels_avx512.c tests/support/avx512_emulated.h
	@mkdir -p $(@D)
	$(call SAY,CC,$< (emulated))
	$(Q)$(CC) $(CFLAGS_ALL) -O1 -Wno-conversion -Wno-psabi -mavx2 -mfma -mf16c -DKERNELS_ROLLED -include tests/support/avx512_emulated.h -MMD -MP -c $< -o $@

$(EMULATED): tests/unit/test_kernels.c src/kernels/kernels.c $(BUILD)/obj/emulated/kernels_avx512.o $(LIB)
	@mkdir -p $(@D)
	$(call SAY,TEST,$< (emulated))
	$(Q)$(CC) $(CFLAGS_ALL) -DKERNELS_EMULATED -Itests -MMD -MP -MF $@.d $< src/kernels/kernels.c $(BUILD)/obj/emulated/kernels_avx512.o $(LIB) -o $@ -lcmocka $(LDLIBS_ALL)

-include $(BUILD)/obj/emulated/kernels_avx512.d
endif
