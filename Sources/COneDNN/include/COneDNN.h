#ifndef APUS_COneDNN_H
#define APUS_COneDNN_H
#endif
