"""The cluster backend: the same sweep as an Argo workflow, watched from here and run in pods.

`pod_*` run inside pods, one module for each of a stage's three templates; they use the store and nothing of Argo but
the files that it reads and their own workflow. The others run where a person is: they submit, watch and stop.
"""
