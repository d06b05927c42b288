// Makes the certificates with which the interop peers talk over TLS: `certificates DIRECTORY`.
#include "support/certificates.hpp"

#include <fstream>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "certificates DIRECTORY\n";
        return 2;
    }
    const std::string directory = argv[1];
    const test::Certificate authority({.common_name = "authority", .valid_until = std::chrono::hours{24}});
    const test::Certificate peer({.common_name = "peer", .valid_until = std::chrono::hours{24}}, &authority);
    std::ofstream(directory + "/authority.pem") << authority.pem();
    std::ofstream(directory + "/peer.pem") << peer.pem() << peer.key_pem();
}
