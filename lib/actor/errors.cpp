// strSysError: every code of <chorus/types.h>.
#include <exec/chError.h>

extern "C" const char* strSysError(int error) {
    switch (error > 0 ? -error : error) {
    case K_OK:
        return "K_OK: no error";
    case K_EINVAL:
        return "K_EINVAL: invalid argument or capability";
    case K_EFAULT:
        return "K_EFAULT: bad address";
    case K_ENOMEM:
        return "K_ENOMEM: no memory";
    case K_EBUSY:
        return "K_EBUSY: in use";
    case K_EABORT:
        return "K_EABORT: aborted";
    case K_ETIMEOUT:
        return "K_ETIMEOUT: time limit reached";
    case K_EUNKNOWN:
        return "K_EUNKNOWN: no such object";
    case K_EFULL:
        return "K_EFULL: queue or table full";
    case K_EPRIV:
        return "K_EPRIV: not privileged";
    case K_ENOPORT:
        return "K_ENOPORT: port deleted";
    case K_ETOOMUCH:
        return "K_ETOOMUCH: message too big";
    case K_ENOTIMP:
        return "K_ENOTIMP: not implemented";
    case K_EOVERLAP:
        return "K_EOVERLAP: regions overlap";
    case K_EADDR:
        return "K_EADDR: bad address in a range";
    case K_EROUND:
        return "K_EROUND: bad alignment";
    case K_ESIZE:
        return "K_ESIZE: bad size";
    case K_ECRASH:
        return "K_ECRASH: server gone";
    case K_EFAIL:
        return "K_EFAIL: request dropped";
    case K_EEXIST:
        return "K_EEXIST: exists already";
    case K_EPROT:
        return "K_EPROT: protection forbids it";
    case K_ESATUR:
        return "K_ESATUR: saturated";
    case K_EFORBIDDEN:
        return "K_EFORBIDDEN: not allowed here";
    default:
        return "unknown error";
    }
}
