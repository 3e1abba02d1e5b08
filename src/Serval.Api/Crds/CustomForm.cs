using System.Runtime.CompilerServices;

namespace Serval.Api.Crds;

/// <summary>
/// A version of a custom resource: the kept object under this version's name, without what its schema does not know and with its defaults, also
/// those that came after the object (apiextensions-apiserver: conversion strategy None; pruning and defaulting of what etcd holds).
/// </summary>
internal sealed class CustomForm(string shown, string stored, KindShape shape) : IStoredForm
{
    private readonly ConditionalWeakTable<KubeObject, KubeObject> _shown = []; // most are as they are kept: then it is the object itself

    public KubeObject Read(KubeObject kept) => _shown.GetValue(kept, Convert);

    public KubeObject Write(KubeObject obj) => obj.WithApiVersion(stored);

    private KubeObject Convert(KubeObject kept)
    {
        var read = kept.With(tree =>
        {
            tree["apiVersion"] = shown;
            CustomObjects.Complete(shape.Schema, tree);
        });
        return read.SameAs(kept) ? kept : read;
    }
}
