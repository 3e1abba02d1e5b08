using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.Kube.Tokens;

/// <summary>
/// Signs tokens of service accounts: JWTs (RFC 7519) by ES256 with the claims of Kubernetes' bound tokens (pkg/serviceaccount/claims.go).
/// Any thread.
/// </summary>
public sealed class ServiceAccountTokens
{
    /// <summary>Who signs, and for whom a token is that names nobody: the API server.</summary>
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";

    private readonly string _keyPem;
    private readonly TimeProvider _time;
    private readonly string _head;

    /// <param name="keyPem">A private key of the curve P-256 as PEM.</param>
    /// <param name="time">The clock.</param>
    public ServiceAccountTokens(string keyPem, TimeProvider time)
    {
        (_keyPem, _time) = (keyPem, time);
        using var key = Key();
        var id = Base64Url.EncodeToString(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
        _head = Part(new JsonObject { ["alg"] = "ES256", ["kid"] = id });
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
        var now = DateTimeOffset.FromUnixTimeSeconds(_time.GetUtcNow().ToUnixTimeSeconds());
        var ends = now + lifetime;
        var bound = new JsonObject { ["namespace"] = account.Namespace };
        if (pod is not null)
        {
            bound["node"] = new JsonObject { ["name"] = pod.Node };
            bound["pod"] = new JsonObject { ["name"] = pod.Name, ["uid"] = pod.Uid };
        }
        bound["serviceaccount"] = new JsonObject { ["name"] = account.Name, ["uid"] = account.Uid };
        var text = _head + "." + Part(new JsonObject
        {
            ["aud"] = new JsonArray { audience.Length > 0 ? audience : Issuer },
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
