namespace Serval.Proxy;

/// <summary>What must be known of a request when its header is gone.</summary>
internal record struct RequestFacts
{
    public bool IsHead { get; set; }

    public bool Http10 { get; set; }

    /// <summary>May be sent twice: an idempotent method, and all of its body at hand.</summary>
    public bool Repeatable { get; set; }

    public bool WantsContinue { get; set; }

    public bool Upgrade { get; set; }

    public bool WantsJson { get; set; }

    /// <summary>Host and path, when somebody will read them.</summary>
    public string Url { get; set; }

    /// <summary>Of the answer.</summary>
    public int Status { get; set; }
}
