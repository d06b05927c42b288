// expect: communica: this is no function of the hook's signature
// names: MustBeHook<void ?\((const )?std::[a-z0-9_:]*basic_string<char>( const)? ?&\)
#include "compile/prelude.hpp"

communica::ServerOptions test() {
    communica::ServerOptions options;
    options.on_connect = [](int id) { (void)id; };
    return options;
}
