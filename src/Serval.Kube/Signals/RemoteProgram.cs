using System.Threading.Channels;
using Serval.Api;

namespace Serval.Kube;

/// <summary>What of a container is run or joined (core/v1 PodExecOptions, PodAttachOptions).</summary>
public sealed record ExecOptions
{
    /// <summary>Empty: the pod's only container.</summary>
    public string Container { get; init; } = "";

    /// <summary>argv; of no meaning to an attach.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    public bool Stdin { get; init; }
    public bool Stdout { get; init; }

    /// <summary>A terminal has none.</summary>
    public bool Stderr { get; init; }
    public bool Tty { get; init; }
}

/// <summary>The size of a terminal in characters.</summary>
public readonly record struct TerminalSize(ushort Width, ushort Height);

/// <summary>A client's ends of a program's streams. A stream that was not asked for is null.</summary>
public sealed record RemoteStreams
{
    /// <summary>What the program reads; its end is the program's end of input.</summary>
    public Stream? Input { get; init; }
    public Stream? Output { get; init; }
    public Stream? Error { get; init; }

    /// <summary>The sizes of the client's terminal.</summary>
    public required ChannelReader<TerminalSize> Sizes { get; init; }
}

/// <summary>
/// Runs or joins a program until it ends or the client has gone, when the token is cancelled. Returns its exit code.
/// <see cref="ApiException"/>: it could not be started.
/// </summary>
public delegate Task<int> RemoteProgram(RemoteStreams streams, CancellationToken ct);
