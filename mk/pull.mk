# pull.mk - libraries of the downloads: libzip reads the wheels that hold the parts of the stand-in models, nettle has
# the SHA-1 of git's ids (libsodium has none).
LIBS += libzip nettle
