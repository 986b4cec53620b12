/* server.c: doubles numbers */
#include <chorus.h>
#include <stdio.h>

int main(void) {
    KnUniqueId port;
    int id = portCreate(K_MYACTOR, &port);
    if (id < 0) return 1;
    printf("port %016lx:%016lx\n", port.uiHead, port.uiTail);
    fflush(stdout);
    for (;;) {
        unsigned long number = 0;
        KnMsgDesc message = {0, sizeof number, (VmAddr)&number, 0, 0};
        if (ipcReceive(&message, &id, -1) < 0) return 1;
        number *= 2;
        ipcReply(&message);
    }
}
