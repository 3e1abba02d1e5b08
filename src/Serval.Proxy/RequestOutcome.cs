namespace Serval.Proxy;

/// <summary>How a request ended. Closed: each has one status, one metric tag and one log event (<see cref="Outcomes"/>).</summary>
public enum RequestOutcome
{
    /// <summary>Answered by an instance, whatever the status.</summary>
    Forwarded,

    /// <summary>A network probe, answered here.</summary>
    ProbeAnswered,

    /// <summary>Sent to the same URL with TLS.</summary>
    Redirected,
    BadRequest,
    HeadTooLarge,
    ExpectationFailed,
    NoRoute,
    NoEndpoint,
    NoEndpointTimeout,
    QueueFull,
    BackendRemoved,
    UpstreamConnect,
    UpstreamReset,
    UpstreamBadResponse,
    ResponseStartTimeout,
    IdleTimeout,
    Timeout,

    /// <summary>The instance broke off in the middle of its answer: the client's connection was cut, as the answer's status was sent.</summary>
    Truncated,

    /// <summary>The client went away first.</summary>
    ClientAborted,
}

/// <summary>What clients, metrics and logs are told of an outcome.</summary>
/// <param name="Status">Status code; 0 when no answer of ours is sent.</param>
/// <param name="Reason">Value of <c>Serval-Error</c> and of the metric tag.</param>
/// <param name="Title">What happened.</param>
/// <param name="Advice">What to do.</param>
public sealed record OutcomeInfo(int Status, string Reason, string Title, string Advice);

/// <summary>The table of outcomes.</summary>
public static class Outcomes
{
    private static readonly OutcomeInfo[] s_infos = [.. Enum.GetValues<RequestOutcome>().Select(Describe)];

    public static OutcomeInfo Of(RequestOutcome outcome) => s_infos[(int)outcome];

    private static OutcomeInfo Describe(RequestOutcome outcome) => outcome switch
    {
        RequestOutcome.Forwarded => new(0, "forwarded", "Forwarded", ""),
        RequestOutcome.ProbeAnswered => new(200, "probe", "Probe answered", ""),
        RequestOutcome.Redirected => new(301, "redirected", "This host is served over HTTPS", "Follow the Location header."),
        RequestOutcome.BadRequest => new(400, "bad-request", "The request is malformed",
            "Send a well-formed HTTP/1.1 request: one Host header, CRLF line ends, one way to give the body's length."),
        RequestOutcome.HeadTooLarge => new(431, "head-too-large", "The request's header is too large", "Send at most 100 header fields and 64 KB of header."),
        RequestOutcome.ExpectationFailed => new(417, "expectation-failed", "The Expect header asks for something unknown", "Send \"Expect: 100-continue\" or none."),
        RequestOutcome.NoRoute => new(404, "no-route", "No route for this host and path", "Check the URL against the service's status.url, and that the service is ready."),
        RequestOutcome.NoEndpoint => new(503, "no-endpoint", "The Service has no ready endpoints", "Check that its pods run and are ready."),
        RequestOutcome.NoEndpointTimeout => new(504, "no-endpoint-timeout", "No instance became ready in time",
            "Look at the revision's conditions and the logs of its pods, or raise timeoutSeconds."),
        RequestOutcome.QueueFull => new(503, "queue-full", "Too many requests wait for an instance: pending request queue full", "Retry later, or raise the revision's max-scale or containerConcurrency."),
        RequestOutcome.BackendRemoved => new(503, "backend-removed", "The revision was deleted while the request waited", "Retry: the route may lead elsewhere by now."),
        RequestOutcome.UpstreamConnect => new(502, "upstream-connect", "No endpoint accepts connections", "Check that the program listens on the port its Service names."),
        RequestOutcome.UpstreamReset => new(502, "upstream-reset", "The instance closed the connection before it answered", "Look at the logs of its pod: it may have crashed."),
        RequestOutcome.UpstreamBadResponse => new(502, "upstream-bad-response", "The instance's answer is not proper HTTP",
            "Check that the program speaks HTTP on its port, and name the port h2c if it speaks HTTP/2."),
        RequestOutcome.ResponseStartTimeout => new(504, "response-start-timeout", "The instance did not begin to answer in time", "Raise responseStartTimeoutSeconds, or make the program answer sooner."),
        RequestOutcome.IdleTimeout => new(504, "idle-timeout", "Neither side sent a byte for too long", "Raise idleTimeoutSeconds, or send something now and then."),
        RequestOutcome.Timeout => new(504, "timeout", "The answer took longer than timeoutSeconds", "Raise timeoutSeconds, or make the program answer sooner."),
        RequestOutcome.Truncated => new(0, "truncated", "The instance broke off its answer", ""),
        RequestOutcome.ClientAborted => new(0, "client-aborted", "The client went away", ""),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "An outcome without a description."),
    };
}
