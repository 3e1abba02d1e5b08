using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.Kube.Tokens;

/// <summary>
/// Signs and reads tokens of service accounts: JWTs (RFC 7519) by ES256 with the claims of Kubernetes' bound tokens (pkg/serviceaccount/claims.go).
/// Any thread.
/// </summary>
public sealed class ServiceAccountTokens : IPodTokens
{
    /// <summary>Who signs, and for whom a token is that names nobody: the API server.</summary>
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";

    private const int LongestToken = 16 * 1024;

    private readonly string _keyPem;
    private readonly TimeProvider _time;
    private readonly string _id;
    private readonly string _head;

    /// <param name="keyPem">A private key of the curve P-256 as PEM.</param>
    /// <param name="time">The clock.</param>
    public ServiceAccountTokens(string keyPem, TimeProvider time)
    {
        (_keyPem, _time) = (keyPem, time);
        using var key = Key();
        _id = Base64Url.EncodeToString(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
        _head = Part(new JsonObject { ["alg"] = "ES256", ["kid"] = _id });
    }

    /// <summary>A new key as PEM.</summary>
    public static string NewKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    /// <summary>A token that is good from now on.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="pod">The pod it is bound to; null when to none.</param>
    /// <param name="audience">For whom; empty is the API server.</param>
    /// <param name="lifetime">How long.</param>
    public SignedToken Issue(TokenAccount account, BoundPod? pod, string audience, TimeSpan lifetime)
    {
        var bound = new JsonObject();
        if (pod is not null)
        {
            bound["node"] = new JsonObject { ["name"] = pod.Node };
            bound["pod"] = new JsonObject { ["name"] = pod.Name, ["uid"] = pod.Uid };
        }
        return Issue(account, bound, [audience.Length > 0 ? audience : Issuer], lifetime);
    }

    ValueTask<SignedToken> IPodTokens.IssueAsync(TokenAccount account, BoundPod pod, string audience, TimeSpan lifetime, CancellationToken ct) =>
        ValueTask.FromResult(Issue(account, pod, audience, lifetime));

    /// <summary>A token that is good from now on.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="bound">What it is bound to, as the claims say it: <c>pod</c>, <c>secret</c>, <c>node</c>, each with name and uid. Taken over.</param>
    /// <param name="audiences">For whom.</param>
    /// <param name="lifetime">How long.</param>
    public SignedToken Issue(TokenAccount account, JsonObject bound, IReadOnlyList<string> audiences, TimeSpan lifetime)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(_time.GetUtcNow().ToUnixTimeSeconds());
        var ends = now + lifetime;
        bound.Insert(0, "namespace", account.Namespace);
        bound["serviceaccount"] = new JsonObject { ["name"] = account.Name, ["uid"] = account.Uid };
        var text = _head + "." + Part(new JsonObject
        {
            ["aud"] = new JsonArray([.. audiences.Select(a => JsonValue.Create(a))]),
            ["exp"] = ends.ToUnixTimeSeconds(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["iss"] = Issuer,
            ["jti"] = Guid.NewGuid().ToString(),
            ["kubernetes.io"] = bound,
            ["nbf"] = now.ToUnixTimeSeconds(),
            ["sub"] = $"system:serviceaccount:{account.Namespace}:{account.Name}",
        });
        using var key = Key();
        var signature = key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256);
        return new SignedToken(text + "." + Base64Url.EncodeToString(signature), now, ends);
    }

    /// <summary>What a token says that was signed by this key, whatever the time; null for any other text.</summary>
    public TokenClaims? Read(string token)
    {
        // The head is compared whole: another algorithm or key is another token.
        if (!token.StartsWith(_head + ".", StringComparison.Ordinal) || token.LastIndexOf('.') is var end && end <= _head.Length || token.Length > LongestToken)
        {
            return null;
        }
        try
        {
            using var key = Key();
            return key.VerifyData(Encoding.ASCII.GetBytes(token[..end]), Base64Url.DecodeFromChars(token.AsSpan(end + 1)), HashAlgorithmName.SHA256)
                ? TokenClaims.Read(Base64Url.DecodeFromChars(token.AsSpan(_head.Length + 1, end - _head.Length - 1)))
                : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>The key others check tokens with (RFC 7517).</summary>
    public JsonObject PublicKey()
    {
        using var key = Key();
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return new JsonObject
        {
            ["use"] = "sig", ["kty"] = "EC", ["kid"] = _id, ["crv"] = "P-256", ["alg"] = "ES256",
            ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y),
        };
    }

    private ECDsa Key()
    {
        var key = ECDsa.Create();
        key.ImportFromPem(_keyPem);
        return key;
    }

    private static string Part(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
}

/// <summary>Whose a token is.</summary>
public sealed record TokenAccount(string Namespace, string Name, string Uid);

/// <summary>The pod that a token is given to.</summary>
public sealed record BoundPod(string Name, string Uid, string Node);

/// <summary>A token and when it is good.</summary>
public sealed record SignedToken(string Text, DateTimeOffset Begins, DateTimeOffset Ends);
