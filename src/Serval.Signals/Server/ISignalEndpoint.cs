using Microsoft.AspNetCore.Http;

namespace Serval.Signals;

/// <summary>One thing a <see cref="SignalServer"/> answers. Who asks has been found to be allowed to.</summary>
public interface ISignalEndpoint
{
    /// <summary>Its path; with a slash at its end, every path below too.</summary>
    string Path { get; }

    string Method => "GET";

    /// <summary>What a caller must be allowed.</summary>
    SignalRight Right => SignalRight.ToGet(Path);

    /// <summary>
    /// Answers. <see cref="HttpContext.RequestAborted"/> ends too when the server stops. An <see cref="Serval.Api.ApiException"/> before the answer has
    /// begun becomes a Status.
    /// </summary>
    Task AnswerAsync(HttpContext http);
}
