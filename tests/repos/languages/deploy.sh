#!/usr/bin/env bash
source ./lib/common.sh
. "$HERE/env.sh"

readonly REGION="eu-west-1"
export STAGE=test

# Builds the image.
build_image() {
  docker build -t "$1" .
  log_info "built"
}

function deploy {
  build_image "$1" && kubectl apply -f "$2"
}

deploy "$@"
