# web.mk - the page, embedded into the program.
WEB_FILES := $(sort $(wildcard web/*.html web/*.js web/*.css web/*.svg))
EXTRA_OBJECTS += $(BUILD)/gen/web_assets.o $(BUILD)/gen/web_bytes.o

$(BUILD)/gen/web_assets.c: $(WEB_FILES) tools/embed_assets.sh
	@tools/embed_assets.sh $(BUILD)/gen $(WEB_FILES)

$(BUILD)/gen/web_assets.o: $(BUILD)/gen/web_assets.c
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

$(BUILD)/gen/web_bytes.o: $(BUILD)/gen/web_assets.c $(WEB_FILES)
	$(Q)$(CC) -c $(BUILD)/gen/web_assets.S -o $@
