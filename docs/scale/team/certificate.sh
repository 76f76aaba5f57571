#!/bin/sh
# A certificate authority of the team's own and a server's certificate signed by it, for a year:
#   ./certificate.sh gpu-box.corp.internal secret
# writes tls.crt, tls.key (the server's) and ca.crt (for laptops). The authority's key, ca.key, belongs
# somewhere else afterwards; it is not needed to serve.
set -eu
umask 077
host=$1 folder=$2
mkdir -p "$folder"
cd "$folder"
openssl req -x509 -newkey rsa:3072 -nodes -days 1825 -subj "/CN=homespun team CA" \
  -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
  -keyout ca.key -out ca.crt
case $host in
  *[!0-9.]*) name="DNS:$host" ;;
  *) name="IP:$host" ;;
esac
openssl req -newkey rsa:3072 -nodes -subj "/CN=$host" -keyout tls.key -out tls.csr
printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$name" > tls.ext
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile tls.ext -out tls.crt
rm -f tls.csr tls.ext
