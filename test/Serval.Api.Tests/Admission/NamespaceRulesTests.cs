using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>Finalizers and phases of Namespaces, in the words of kube-apiserver 1.36.2.</summary>
public sealed class NamespaceRulesTests
{
    private const string NoName = "name is neither a standard finalizer name nor is it fully qualified";

    [Theory]
    [InlineData("spec.finalizers = [\"nodomain\"]", "", $"spec.finalizers: Invalid value: \"nodomain\": {NoName}")]
    [InlineData("spec.finalizers = [\"a b/c\"]", "", "spec.finalizers: Invalid value: \"a b/c\": prefix part a lowercase RFC 1123 subdomain must consist of")]
    [InlineData("spec.finalizers = [\"\"]", "", $"spec.finalizers: Invalid value: \"\": {NoName}")]
    [InlineData("spec.finalizers = [\"kubernetes\",\"nope\"]", "finalize", $"spec.finalizers[1]: Invalid value: \"nope\": {NoName}")]
    [InlineData("status.phase = \"Foo\"", "status", "status.Phase: Invalid value: \"Foo\": may only be 'Active' if `deletionTimestamp` is empty")]
    [InlineData("status.phase = \"Terminating\"", "status", "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty")]
    [InlineData("status.phase = \"Active\"\nmetadata.deletionTimestamp = \"2026-01-01T00:00:00Z\"", "status", "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty")]
    [InlineData("spec.finalizers = [\"nope\"]\nmetadata.deletionTimestamp = \"2026-01-01T00:00:00Z\"", "finalize", $"spec.finalizers[0]: Invalid value: \"nope\": {NoName}")]
    public void Namespace_Bad_IsInvalid(string edits, string subresource, string expected) =>
        Assert.Contains(expected, Validation.ToException(Kinds.Namespace, "n", Errors(edits, subresource)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("spec.finalizers = [\"kubernetes\",\"orphan\",\"foregroundDeletion\",\"a.b/c\"]", "")]
    [InlineData("spec.finalizers = []", "finalize")]
    [InlineData("spec.finalizers = [\"a.b/c\"]", "finalize")]
    [InlineData("status.phase = \"Active\"", "status")]
    [InlineData("status.phase = \"Terminating\"\nmetadata.deletionTimestamp = \"2026-01-01T00:00:00Z\"", "status")]
    public void Namespace_Good_Passes(string edits, string subresource) => Assert.Empty(Errors(edits, subresource));

    private static IReadOnlyList<FieldError> Errors(string edits, string subresource)
    {
        const string Stored = """{"metadata":{"name":"n"},"spec":{"finalizers":["kubernetes"]},"status":{}}""";
        var old = subresource.Length == 0 ? null : Edits.Parse(Stored);
        var ctx = new AdmissionContext { User = "u", Subresource = subresource, Operation = old is null ? AdmissionOperation.Create : AdmissionOperation.Update };
        return Validation.Validate(Kinds.Namespace, Edits.Parse(Stored).Edit(edits), old, ctx);
    }
}
