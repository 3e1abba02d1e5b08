# Sourced: makes sure that `dotnet` is an SDK that global.json accepts; gets one with Microsoft's install script otherwise.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=1
# dotnet does nothing without a home directory it can write to; a user without one gets it inside the checkout.
if ! [ -d "${HOME:-}" ] || ! [ -w "$HOME" ]; then
    export DOTNET_CLI_HOME="${DOTNET_CLI_HOME:-$root/artifacts/home}"
    mkdir -p "$DOTNET_CLI_HOME"
fi
sdk="${DOTNET_CLI_HOME:-$HOME}/.dotnet"
if ! (cd "$root" && dotnet --version > /dev/null 2>&1); then
    if [ -x "$sdk/dotnet" ] && (cd "$root" && "$sdk/dotnet" --version > /dev/null 2>&1); then
        export DOTNET_ROOT="$sdk" PATH="$sdk:$PATH"
    else
        echo "No .NET 10 SDK found; getting one into $sdk with the official install script" >&2
        sdk_script=$(mktemp)
        if ! curl -fsSL --retry 3 -o "$sdk_script" https://dot.net/v1/dotnet-install.sh || ! bash "$sdk_script" --channel 10.0 --install-dir "$sdk" >&2; then
            echo "serval: could not get the .NET 10 SDK. Install it by hand (https://dot.net, or your distribution's dotnet-sdk-10.0) and run this again." >&2
            exit 1
        fi
        rm -f "$sdk_script"
        export DOTNET_ROOT="$sdk" PATH="$sdk:$PATH"
    fi
fi
