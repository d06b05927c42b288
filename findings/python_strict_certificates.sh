#!/usr/bin/env bash
# Python 3.13 refuses certificates without an authority key identifier, which OpenSSL itself accepts.
#
# Versions: Python 3.13.5 with OpenSSL 3.5.9 (Debian 13).
#
# ssl.create_default_context() sets VERIFY_X509_STRICT since Python 3.13. With this flag OpenSSL requires that every certificate
# that is not self-signed has the extension that identifies its issuer's key. Private authorities omit it. Their servers are
# trusted by `openssl verify`, by OpenSSL clients in other languages, and by older Python versions. Reported in
# python/cpython#107361.
#
# What to do: issue certificates with `authorityKeyIdentifier = keyid` and authorities with `subjectKeyIdentifier = hash`.
#
# Seen:
#   without the identifier: certificate.pem: OK
#   by default: Missing Authority Key Identifier
#   without VERIFY_X509_STRICT: accepted
#   with it: certificate.pem: OK
#   by default: accepted
#   without VERIFY_X509_STRICT: accepted
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

debian_root trixie python3=3.13.5-1 openssl=3.5.9-1~deb13u1

cat >"$work/root-trixie/tmp/run" <<'END'
cd /tmp
exec 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=Authority -days 2 -addext keyUsage=keyCertSign -keyout ca.key -out ca.pem
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out request.pem
printf 'subjectAltName = DNS:localhost\nauthorityKeyIdentifier = %s\n' "$1" >extensions
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -days 2 -extfile extensions -out certificate.pem
openssl verify -CAfile ca.pem certificate.pem
python3 - <<'PYTHON'
import ssl

server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain("certificate.pem", "key.pem")

def handshake(client):
    client.load_verify_locations("ca.pem")
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(one, other, server_hostname="localhost"), server.wrap_bio(other, one, server_side=True)]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
    return "accepted"

print("by default:", handshake(ssl.create_default_context()))
lenient = ssl.create_default_context()
lenient.verify_flags &= ~ssl.VERIFY_X509_STRICT
print("without VERIFY_X509_STRICT:", handshake(lenient))
PYTHON
END
try_with() { in_root trixie bash /tmp/run "$1"; }

expect "without the identifier" "certificate.pem: OK
by default: Missing Authority Key Identifier
without VERIFY_X509_STRICT: accepted" "$(try_with none)"
expect "with it" "certificate.pem: OK
by default: accepted
without VERIFY_X509_STRICT: accepted" "$(try_with keyid)"
