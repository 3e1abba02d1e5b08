using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// Who asks, and whether he may: a TokenReview and a SubjectAccessReview, as a kubelet asks them. What they said holds for a minute. Where there is an audience, a token must
/// be for this very server: one that was shown to another is good for nothing here. Whoever was let in before has places of his own: strangers, however many, do not keep him out.
/// </summary>
/// <param name="client">The API server, which is asked.</param>
/// <param name="audience">Whom tokens must be for; null: the API server.</param>
/// <param name="time">The clock.</param>
internal sealed class SignalAccess(IKubeClient client, string? audience, TimeProvider time)
{
    internal const int MostQuestions = 64;
    internal const int MostKnown = 1000;
    private static readonly TimeSpan s_fresh = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly ResourceKind s_tokenReview = AccessKinds.FindReview("authentication.k8s.io/v1", "TokenReview")!;
    private static readonly ResourceKind s_accessReview = AccessKinds.FindReview("authorization.k8s.io/v1", "SubjectAccessReview")!;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Proof, SignalRight Right), Known> _known = []; // guarded by _lock
    private readonly int[] _questions = [0, 0]; // about strangers, and about who was let in before; guarded by _lock

    /// <summary>The user's name, or why he may not: 401, 403, 429, or 503 while nobody can tell.</summary>
    public async Task<string> CheckAsync(string? authorization, SignalRight right, CancellationToken ct)
    {
        var verdict = await JudgeAsync(Caller.ByHeader(authorization), right, ct);
        return !verdict.Known ? throw Caller.Unauthorized()
            : !verdict.Allowed ? throw new ApiException(403, "Forbidden", right.Refusal(verdict.User))
            : verdict.User;
    }

    /// <summary>Whether a caller is known, and may. 429 when too many are asked about, 503 while nobody can tell.</summary>
    public Task<Verdict> JudgeAsync(Caller caller, SignalRight right, CancellationToken ct) => Find((caller.Proof, right), caller).WaitAsync(ct);

    private Task<Verdict> Find((string Proof, SignalRight Right) key, Caller caller)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(key, out var known) && (!known.Verdict.IsCompleted || (known.Verdict.IsCompletedSuccessfully && time.GetElapsedTime(known.Since) < s_fresh)))
            {
                return known.Verdict;
            }
            var friend = known?.LetIn == true ? 1 : 0;
            if (_questions[friend] >= MostQuestions)
            {
                throw ApiException.TooManyRequests("too many callers are being checked; try again", retryAfterSeconds: 1);
            }
            if (known is null && _known.Count >= MostKnown)
            {
                _known.Remove(_known.MinBy(k => (k.Value.LetIn, k.Value.Since)).Key);
            }
            _questions[friend]++;
            return (_known[key] = new Known(AskAsync(caller, key.Right, friend), time.GetTimestamp(), friend == 1)).Verdict;
        }
    }

    private async Task<Verdict> AskAsync(Caller caller, SignalRight right, int friend)
    {
        await Task.Yield(); // the caller holds the lock
        using var patience = new CancellationTokenSource(s_patience, time);
        try
        {
            if ((caller.User ?? await UserAsync(caller.Token, patience.Token)) is not { } user)
            {
                return new Verdict(Known: false, Allowed: false, "");
            }
            var name = (string?)user["username"] ?? "";
            var spec = new JsonObject { ["user"] = name };
            foreach (var field in (ReadOnlySpan<string>)["uid", "groups", "extra"])
            {
                if (user[field] is { } value)
                {
                    spec[field] = value.DeepClone();
                }
            }
            var (attributes, wanted) = right.Attributes;
            spec[attributes] = wanted;
            var access = await ReviewAsync(s_accessReview, spec, patience.Token);
            return new Verdict(Known: true, (bool?)access["allowed"] == true && (bool?)access["denied"] != true, name);
        }
        catch (Exception e) when (e is ApiException or OperationCanceledException or InvalidOperationException)
        {
            throw new ApiException(503, "ServiceUnavailable", $"who asks cannot be checked now: {e.Message}");
        }
        finally
        {
            lock (_lock)
            {
                _questions[friend]--;
            }
        }
    }

    private async Task<JsonObject?> UserAsync(string token, CancellationToken ct)
    {
        var asked = new JsonObject { ["token"] = token };
        if (audience is not null)
        {
            asked["audiences"] = new JsonArray(audience);
        }
        var answer = await ReviewAsync(s_tokenReview, asked, ct);
        return (bool?)answer["authenticated"] == true && answer["user"] is JsonObject user && (audience is null || Names(answer["audiences"])) ? user : null;
    }

    // A server that does not know of audiences says none: its word is about another one (kubernetes: TokenReviewStatus.audiences).
    private bool Names(JsonNode? audiences) => audiences is JsonArray all && all.Any(a => (string?)a == audience);

    private async Task<JsonObject> ReviewAsync(ResourceKind kind, JsonObject spec, CancellationToken ct)
    {
        var review = KubeObject.From(new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = new JsonObject(), ["spec"] = spec });
        var answer = await client.CreateAsync(kind, review, new WriteOptions(), ct);
        return answer.ToTree()["status"] as JsonObject ?? [];
    }

    /// <param name="Known">Whether what the caller showed is good.</param>
    /// <param name="Allowed">Whether he may.</param>
    /// <param name="User">His name.</param>
    internal sealed record Verdict(bool Known, bool Allowed, string User);

    /// <param name="Verdict">What was said, or will be.</param>
    /// <param name="Since">When it was asked.</param>
    /// <param name="WasLetIn">What was said before.</param>
    private sealed record Known(Task<Verdict> Verdict, long Since, bool WasLetIn)
    {
        /// <summary>Whether the last word was that he may.</summary>
        public bool LetIn => Verdict.IsCompletedSuccessfully ? Verdict.Result.Allowed : WasLetIn;
    }
}
