namespace Serval.Api.Stories;

/// <summary>What helps, by the reason of a condition or of a waiting container (core/v1, and knative/serving's lifecycles).</summary>
internal static class Remedies
{
    internal const string NotListening = nameof(NotListening);
    internal const string ProbeFailed = nameof(ProbeFailed);
    internal const string OutOfMemory = "OOMKilled";

    public static string For(string reason) => reason switch
    {
        "ContainerMissing" or "ErrImagePull" or "ImagePullBackOff" or "ErrImageNeverPull" or "InvalidImageName" =>
            "add the image with `serval image add` or `serval image load`, or correct its name",
        "CreateContainerConfigError" => "create what is missing, or correct what refers to it; the instance then starts by itself",
        "CreateContainerError" => "correct the image, or the container's command, args and workingDir",
        NotListening => "let the program listen on the port in the variable PORT, on 0.0.0.0 or 127.0.0.1, or name the port it opens as containerPort",
        ProbeFailed => "let the program answer the probe, or correct the probe",
        OutOfMemory => "give it more in resources.limits.memory, or let the program use less",
        "Unschedulable" => "ask for less in resources.requests, or delete what is not needed",
        "FailedCreate" => "correct what is refused; it is tried again by itself",
        "ProgressDeadlineExceeded" => "correct the cause and deploy again; serving.knative.dev/progress-deadline gives a slow program more time",
        "RevisionMissing" => "name a revision that exists in spec.traffic (`serval revision list`)",
        "ConfigurationMissing" => "name a configuration that exists in spec.traffic",
        "RevisionNotOwned" => "send traffic to revisions of this service only",
        "RevisionNameTaken" => "choose another name in spec.template.metadata.name",
        "RevisionFailed" => "correct what is refused and deploy again",
        "NotOwned" => "delete or rename the object that has the name",
        "ErrorConfig" => "choose a shorter name or tag, or correct config-domain and config-network",
        "DomainAlreadyClaimed" => "choose another domain, or delete the ClusterDomainClaim of the namespace that has it",
        _ when reason.StartsWith("ExitCode", StringComparison.Ordinal) => "see all that it printed with `serval logs`, correct the program or its settings and deploy again",
        _ => "",
    };
}
