#ifndef APUS_CEmbedded_H
#define APUS_CEmbedded_H
#endif
