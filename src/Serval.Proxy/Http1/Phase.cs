namespace Serval.Proxy;

/// <summary>What a client's connection is doing; says which deadlines count and what a lost client means.</summary>
internal enum Phase
{
    /// <summary>Waiting for a request, or for the rest of its header.</summary>
    Reading,

    /// <summary>Between two of the others: nothing to interrupt.</summary>
    Busy,

    /// <summary>The request waits for an instance.</summary>
    Held,

    /// <summary>A connection to an instance is being made.</summary>
    Connecting,

    /// <summary>The request is at an instance, no answer yet.</summary>
    Forwarding,

    /// <summary>The answer is on its way.</summary>
    Relaying,

    /// <summary>Upgraded: bytes go both ways.</summary>
    Spliced,

    /// <summary>Answered; what the client still sends is read and dropped for a moment, so that it gets the answer.</summary>
    Lingering,
}
