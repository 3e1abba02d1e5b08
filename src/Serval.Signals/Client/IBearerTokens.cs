namespace Serval.Signals;

/// <summary>Whence the tokens come that a reader shows. Any thread.</summary>
public interface IBearerTokens
{
    /// <summary>A token for one audience.</summary>
    /// <param name="audience">Whom it is for.</param>
    /// <param name="refused">What the audience answered 401 to; another is looked for.</param>
    /// <param name="ct">Ends the call.</param>
    /// <exception cref="Serval.Api.ApiException">There is none.</exception>
    ValueTask<string> GetAsync(string audience, string? refused, CancellationToken ct);
}
