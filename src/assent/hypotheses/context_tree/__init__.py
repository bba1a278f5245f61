"""Context trees: how much of the past decides what comes next, exactly and fast."""

from assent.hypotheses.context_tree.members import ContextTrees as ContextTrees
from assent.hypotheses.context_tree.members import TreeMemory as TreeMemory
from assent.hypotheses.context_tree.mixture import ContextTreeMixture as ContextTreeMixture
from assent.hypotheses.context_tree.posterior import ContextTreePosterior as ContextTreePosterior
from assent.hypotheses.context_tree.trees import ContextTree as ContextTree
from assent.hypotheses.context_tree.trees import TreePrior as TreePrior
