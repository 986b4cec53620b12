#include "commands/outgoing.hpp"

#include <errno.h>
#include <stdio.h>
#include <string.h>

namespace chorale::commands {

bool Outgoing::take(const Options& options, int letter) {
    const std::string value{options.value()};
    switch (letter) {
    case 'x':
        hex_ = true;
        return true;
    case 'f':
        file_ = value;
        return true;
    case 'a':
        annex_ = value;
        has_annex_ = true;
        if (annex_.size() > K_CMSGANNEXSIZE)
            misuse("-a: an annex has %d bytes, not %zu", K_CMSGANNEXSIZE, annex_.size());
        annex_.resize(K_CMSGANNEXSIZE);
        return true;
    case 'm':
        if (value != "broad" && value != "func") misuse("-m: `%s` is not broad or func", value.c_str());
        mode_ = value == "broad" ? K_BROADMODE : K_FUNCMODE;
        has_mode_ = true;
        return true;
    default:
        return false;
    }
}

void Outgoing::take(std::span<char* const> operands) {
    if (operands.empty()) misuse("which port?");
    target_ = port_name(operands.front());
    if (has_mode_ && ipcTarget(&target_, mode_) != K_OK) misuse("-m: `%s` is not a group", operands.front());
    const std::span<char* const> words = operands.subspan(1);
    if (!file_.empty() && !words.empty()) misuse("words and -f exclude each other");
    std::string text;
    for (const char* const word : words) {
        if (!text.empty()) text += ' ';
        text += word;
    }
    if (!file_.empty()) {
        read_file();
    } else if (!hex_) {
        body_ = text;
    } else if (!parse_hex(text, body_)) {
        misuse("`%s` is not hexadecimal, two digits a byte", text.c_str());
    }
    if (body_.size() > K_CMSGSIZEMAX)
        misuse("a body has at most %d bytes, not %zu", K_CMSGSIZEMAX, body_.size());
}

void Outgoing::read_file() {
    FILE* const file = file_ == "-" ? stdin : fopen(file_.c_str(), "re");
    if (file == nullptr) fail("%s: %s", file_.c_str(), strerror(errno));
    std::string bytes(K_CMSGSIZEMAX + 1, '\0');
    bytes.resize(fread(bytes.data(), 1, bytes.size(), file));
    if (ferror(file) != 0) fail("%s: %s", file_.c_str(), strerror(errno));
    if (file != stdin) fclose(file);
    if (!hex_)
        body_ = bytes;
    else if (!parse_hex(bytes, body_))
        fail("%s: not hexadecimal, two digits a byte", file_.c_str());
}

KnMsgDesc Outgoing::message() {
    KnMsgDesc message{};
    message.bodySize = static_cast<unsigned>(body_.size());
    message.bodyAddr = reinterpret_cast<VmAddr>(body_.data());
    message.annexAddr = has_annex_ ? reinterpret_cast<VmAddr>(annex_.data()) : 0;
    return message;
}

KnIpcDest Outgoing::destination() const { return {target_, {}}; }

} // namespace chorale::commands
