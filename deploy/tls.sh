# Source this: encrypted and mutually authenticated Dask connections in this shell, with one certificate for all roles.
#
#     . deploy/tls.sh FOLDER      # makes FOLDER/cert.pem and FOLDER/key.pem when they are not there
#
# Copy the folder to the machines of the cluster; whoever holds key.pem may run code on them.
folder=$(mkdir -p "$1" && cd "$1" && pwd)
if [ ! -e "$folder/key.pem" ]; then
  (umask 077 && openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=sneuron \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null)
fi
export DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION=true
export DASK_DISTRIBUTED__COMM__TLS__CA_FILE="$folder/cert.pem"
for role in SCHEDULER WORKER CLIENT; do
  export "DASK_DISTRIBUTED__COMM__TLS__${role}__CERT=$folder/cert.pem"
  export "DASK_DISTRIBUTED__COMM__TLS__${role}__KEY=$folder/key.pem"
done
