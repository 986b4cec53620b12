/* client.c: client HEAD:TAIL NUMBER */
#include <chorus.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
    KnIpcDest server = {0};
    if (argc != 3 || sscanf(argv[1], "%lx:%lx", &server.target.uiHead, &server.target.uiTail) != 2) return 2;
    unsigned long number = strtoul(argv[2], NULL, 10);
    KnMsgDesc request = {0, sizeof number, (VmAddr)&number, 0, 0};
    const int error = ipcCall(&request, K_DEFAULTPORT, &server, &request, -1);
    if (error < 0)
        printf("error %d\n", error);
    else
        printf("%lu\n", number);
    return error < 0;
}
