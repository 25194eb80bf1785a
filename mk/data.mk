# data.mk - the reviewed tables of data/, embedded into the program.
DATA_FILES := $(sort $(wildcard data/*.tsv data/*.txt data/*.json data/*.bin))
EXTRA_OBJECTS += $(BUILD)/gen/data_files.o $(BUILD)/gen/data_bytes.o

$(BUILD)/gen/data_files.c: $(DATA_FILES) tools/embed_data.sh mk/data.mk
	@tools/embed_data.sh $(BUILD)/gen $(DATA_FILES)

$(BUILD)/gen/data_files.o: $(BUILD)/gen/data_files.c
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

$(BUILD)/gen/data_bytes.o: $(BUILD)/gen/data_files.c $(DATA_FILES)
	$(Q)$(CC) -c $(BUILD)/gen/data_files.S -o $@
