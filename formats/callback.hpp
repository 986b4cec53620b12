// A borrowed callable: two words, no allocation. Context: it must not outlive the full expression or the
// named callable it was made from, so it is only ever a parameter, never a member.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

namespace chorale::formats {

template <class Signature>
class Callback;

template <class Result, class... Arguments>
class Callback<Result(Arguments...)> {
  public:
    template <class Callable>
        requires(!std::same_as<std::remove_cvref_t<Callable>, Callback> &&
                 std::is_invocable_r_v<Result, Callable&, Arguments...>)
    Callback(Callable&& callable)
        : object_{const_cast<void*>(static_cast<const volatile void*>(__builtin_addressof(callable)))},
          call_{[](void* object, Arguments... arguments) -> Result {
              return (*static_cast<std::remove_reference_t<Callable>*>(object))(
                  std::forward<Arguments>(arguments)...);
          }} {}

    Result operator()(Arguments... arguments) const {
        return call_(object_, std::forward<Arguments>(arguments)...);
    }

  private:
    void* object_;
    Result (*call_)(void*, Arguments...);
};

} // namespace chorale::formats
