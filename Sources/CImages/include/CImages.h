#ifndef APUS_CImages_H
#define APUS_CImages_H
#endif
