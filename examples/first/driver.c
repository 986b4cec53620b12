/* driver.c: driver ADDRESS COUNTER [ENABLE]: tells the value of a counter to whoever calls its port */
#include "device.h"

#include <chorus.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    const unsigned long counter = strtoul(argv[2], NULL, 0);
    const int error = device_open(strtoul(argv[1], NULL, 0));
    if (error < 0) {
        printf("no device: error %d\n", error);
        return 1;
    }
    if (argc > 3) device_write(strtoul(argv[3], NULL, 0), 1);
    KnUniqueId port;
    int id = portCreate(K_MYACTOR, &port);
    if (id < 0) return 1;
    printf("port %016lx:%016lx\n", port.uiHead, port.uiTail);
    fflush(stdout);
    for (;;) {
        unsigned long value = 0;
        KnMsgDesc message = {0, sizeof value, (VmAddr)&value, 0, 0};
        if (ipcReceive(&message, &id, -1) < 0) return 1;
        value = device_read(counter);
        ipcReply(&message);
    }
}
