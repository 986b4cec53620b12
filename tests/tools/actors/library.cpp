// What a C++ program expects of its library; the nucleus's headers and calls must do no harm. Calls of the
// nucleus are only made with an argument: on Linux they would be other calls.
#include <am/afexec.h>
#include <chorus.h>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static thread_local int mine = 7;

int main(int argc, char**) {
    std::vector<std::string> words;
    std::thread other([&words] { words.push_back("thread " + std::to_string(++mine)); });
    other.join();
    try {
        words.at(3);
    } catch (const std::out_of_range&) {
        std::cout << "caught in " << words.at(0) << ", " << mine << std::endl;
    }
    if (argc > 1) {
        KnCap self{};
        KnThreadLid thread{};
        actorSelf(&self);
        afexecl("/bin/hello", &self, nullptr, "hello", nullptr);
        return threadCreate(K_MYACTOR, &thread, K_ACTIVE, nullptr, nullptr);
    }
    return 0;
}
