# pull.mk - libraries of the downloads: libzip reads the wheels that hold the parts of the stand-in models.
LIBS += libzip
